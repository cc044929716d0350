// What the executable carries. In a checkout that is nothing: build.ts puts a generated module in the place of this one.

export interface EmbeddedFile {
  readonly path: string; // below the folder it is unpacked to
  readonly bytes: number;
  readonly sha256: string;
  readonly from: string; // the compressed file inside the executable
}

export interface Embedded {
  readonly id: string; // changes with any file
  readonly library: string; // path of libshim, with MLX beside it
  readonly model: string; // folder of the built-in model
  readonly files: readonly EmbeddedFile[];
}

export const embedded: Embedded | undefined = undefined;
