import type { FileKind } from "./file-types.ts";

/** A file that was received and is not stored yet. */
export interface ReceivedFile {
  /** Where it is now, in the directory `incoming` of its store. */
  readonly path: string;
}

/** What a store has to know of a file. */
export interface FileProperties {
  readonly kind: FileKind;
  readonly extension: string;
  /** The folder, such as `audio/1767542400`; empty: none. */
  readonly folder: string;
}

/** Where uploads are stored. */
export interface FileStore {
  /** Receives uploads; on the same file system as the stored files. */
  readonly incoming: string;
  /** Stores a file durably under a random name that cannot be guessed. Returns the name that clients request it by. */
  put(file: ReceivedFile, properties: FileProperties): Promise<string>;
}
