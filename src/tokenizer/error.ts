// What can be wrong with a model's text files: one line that names the file, or the template's own words.

/** A tokenizer, its configuration or its template cannot be used; the message names the file. */
export class TokenizerError extends Error {}

/** One rendering of a chat template failed: the template refused the messages, broke, or asked for too much. */
export class TemplateError extends Error {}
