// Fields that both ranking routes have.
import Type from "typebox";
import { works } from "../body.ts";
import { modelField } from "../common-fields.ts";

export const rankModel = modelField('The reranking model; "default" and absence mean the loaded one. Others are loaded by name.');

export const perDocumentField = works(Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1, description: "So many tokens of each document are read." }));

export const truncateField = works(
  Type.Integer({
    minimum: -1,
    maximum: 2 ** 31 - 1,
    description: "So many tokens of query and document together are read; -1 and 0 mean what the model takes.",
  }),
);
