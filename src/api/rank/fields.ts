// Fields that both ranking routes have.
import Type from "typebox";
import { works } from "../body.ts";

export const modelField = works(
  Type.String({
    minLength: 1,
    maxLength: 512,
    description: 'The reranking model; "default" and absence mean the loaded one. Others are loaded by name.',
  }),
);

export const perDocumentField = works(Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1, description: "So many tokens of each document are read." }));

export const truncateField = works(
  Type.Integer({
    minimum: -1,
    maximum: 2 ** 31 - 1,
    description: "So many tokens of query and document together are read; -1 and 0 mean what the model takes.",
  }),
);

export const timeoutField = works(Type.Number({ exclusiveMinimum: 0, maximum: 86_400, description: "Seconds until the request is given up." }));
