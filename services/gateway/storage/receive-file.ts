import { randomBytes } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, unlink } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import busboy from "busboy";
import { AppError, errorMessage } from "../../../shared/errors.ts";
import type { ReceivedFile } from "./file-store.ts";

const MEGABYTE = 1_048_576;
/** Parts, headers and boundaries around the file. */
const OVERHEAD = 65_536;

export class FileTooLarge extends AppError {
  constructor(megabytes: number) {
    super(`The file is larger than ${megabytes} MB`, { type: "FILE_TOO_LARGE", data: { megabytes } });
  }
}

class UploadInvalid extends AppError {
  constructor(reason: string) {
    super(`The upload cannot be read: ${reason}`, { type: "UPLOAD_INVALID" });
  }
}

export interface Reception {
  /** The directory that the file is written to. */
  readonly directory: string;
  readonly megabytes: number;
}

/**
 * Writes the part `file` of a multipart request to a directory while it is received; null if there is none. No more than
 * the limit is written, and nothing is left behind after an error.
 *
 * @throws `FILE_TOO_LARGE`, `UPLOAD_INVALID`
 */
export async function receiveFile(
  request: IncomingMessage,
  { directory, megabytes }: Reception,
): Promise<ReceivedFile | null> {
  if (!request.headers["content-type"]?.toLowerCase().startsWith("multipart/")) return null;
  const maxBytes = megabytes * MEGABYTE;
  if (Number(request.headers["content-length"]) > maxBytes + OVERHEAD) throw new FileTooLarge(megabytes);
  await mkdir(directory, { recursive: true });
  const path = join(directory, randomBytes(16).toString("hex"));
  let received: Promise<ReceivedFile> | undefined;
  try {
    const parser = parserOf(request, maxBytes);
    parser.on("file", (name, stream) => {
      if (name !== "file" || received) return void stream.resume();
      received = writeFile(stream, path, megabytes);
      // The error is thrown below, once the request was read.
      received.catch(() => parser.destroy(new FileTooLarge(megabytes)));
    });
    await pipeline(request, parser);
    return (await received) ?? null;
  } catch (error) {
    await received?.catch(() => {});
    await unlink(path).catch(() => {});
    // The rest is read and dropped, so that the client gets the response.
    request.resume();
    throw error instanceof AppError ? error : new UploadInvalid(errorMessage(error));
  }
}

function parserOf({ headers }: IncomingMessage, fileSize: number): busboy.Busboy {
  try {
    // Busboy reports a file as cut once it has as many bytes as the limit.
    const limits = {
      fileSize: fileSize + 1,
      files: 2,
      fields: 20,
      fieldSize: 10_000,
      parts: 22,
      headerPairs: 50,
    };
    return busboy({ headers, limits });
  } catch (error) {
    throw new UploadInvalid(errorMessage(error));
  }
}

async function writeFile(
  stream: NodeJS.ReadableStream & { truncated?: boolean },
  path: string,
  megabytes: number,
): Promise<ReceivedFile> {
  let isCut = false;
  stream.once("limit", () => {
    isCut = true;
  });
  const target = createWriteStream(path, { flags: "wx", mode: 0o600 });
  await pipeline(stream, target);
  if (isCut) throw new FileTooLarge(megabytes);
  return { path };
}
