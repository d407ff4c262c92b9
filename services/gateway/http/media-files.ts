import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import type { OutgoingHttpHeaders, ServerResponse } from "node:http";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { CONTENT_TYPES } from "../storage/file-types.ts";
import { httpError } from "../wire/response.ts";
import { elapsedMs, type GatewayRequest } from "./gateway-request.ts";
import { sendResponse } from "./send-response.ts";

/** Only names of the store's own making: no other path can be asked for. */
const NAME = /^(?:(?:image|(?:audio|video)\/\d{1,12}|\d{1,12})\/)[0-9a-f]{32}\.([A-Za-z0-9]{1,8})$/;
const RANGE = /^bytes=(\d{0,15})-(\d{0,15})$/;

/** A part of a file, both ends included. */
interface Span {
  readonly start: number;
  readonly end: number;
}

/** Serves a stored file, with `ETag` and single ranges; 404 for everything that is none. */
export async function sendMedia(
  request: GatewayRequest,
  response: ServerResponse,
  { directory, name }: { readonly directory: string; readonly name: string },
): Promise<void> {
  const extension = NAME.exec(name)?.[1]?.toLowerCase();
  const file = extension === undefined ? undefined : await openFile(join(directory, name));
  if (extension === undefined || !file) return sendResponse(request, response, httpError(404, "Not Found"));
  try {
    await sendFile(request, response, { file, extension });
  } finally {
    await file.close();
  }
}

/** Undefined for what is no regular file, symbolic links included. */
async function openFile(path: string): Promise<FileHandle | undefined> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch(() => undefined);
  if (file && (await file.stat()).isFile()) return file;
  await file?.close();
  return undefined;
}

async function sendFile(
  request: GatewayRequest,
  response: ServerResponse,
  { file, extension }: { readonly file: FileHandle; readonly extension: string },
): Promise<void> {
  const { size, mtime } = await file.stat();
  const etag = `"${size.toString(16)}-${mtime.getTime().toString(16)}"`;
  const headers = headersOf(request, { etag, mtime, extension });
  if (request.headers["if-none-match"]?.split(/\s*,\s*/).includes(etag)) {
    response.writeHead(304, headers).end();
    return;
  }
  const { range, "if-range": condition } = request.headers;
  const span = condition === undefined || condition === etag ? spanOf(range, size) : undefined;
  if (span === "unsatisfiable") {
    response.writeHead(416, { ...headers, "Content-Range": `bytes */${size}` }).end();
    return;
  }
  const { start, end } = span ?? { start: 0, end: size - 1 };
  response.writeHead(span ? 206 : 200, {
    ...headers,
    "Content-Length": end - start + 1,
    ...(span && { "Content-Range": `bytes ${start}-${end}/${size}` }),
  });
  if (request.method === "HEAD" || size === 0) {
    response.end();
    return;
  }
  await pipeline(file.createReadStream({ start, end, autoClose: false }), response).catch(() => {
    // The client has left, or the file cannot be read: the response is cut off.
    response.destroy();
  });
}

interface MediaFile {
  readonly etag: string;
  readonly mtime: Date;
  readonly extension: string;
}

function headersOf(request: GatewayRequest, { etag, mtime, extension }: MediaFile): OutgoingHttpHeaders {
  const contentType = CONTENT_TYPES.get(extension);
  return {
    "Content-Type": contentType ?? "application/octet-stream",
    ...(contentType ? {} : { "Content-Disposition": "attachment" }),
    "Accept-Ranges": "bytes",
    ETag: etag,
    "Last-Modified": mtime.toUTCString(),
    // Names are never used again.
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "X-Process-Time": `${Math.round(elapsedMs(request))}ms`,
  };
}

/** The requested part; undefined for the whole file, also for ranges of a form that may be ignored. */
function spanOf(range: string | undefined, size: number): Span | "unsatisfiable" | undefined {
  const [, first = "", last = ""] = RANGE.exec(range ?? "") ?? [];
  if (first === "" && last === "") return undefined;
  if (first === "") {
    const length = Math.min(Number(last), size);
    return length === 0 ? "unsatisfiable" : { start: size - length, end: size - 1 };
  }
  const start = Number(first);
  const end = last === "" ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== "" && Number(last) < start) return undefined;
  return start >= size ? "unsatisfiable" : { start, end };
}
