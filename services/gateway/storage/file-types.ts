import { fileTypeFromFile } from "file-type";

export type FileKind = "image" | "audio" | "video";

/** What each kind of upload accepts, in the words of the Python original, which texts for clients repeat. */
export const ACCEPTED: Readonly<Record<FileKind, readonly string[]>> = {
  image: ["image/png", "image/jpeg", "image/gif", "image/x-icon"],
  audio: ["audio/wav", "audio/mp3", "audio/m4a", "audio/wma", "audio/ogg", "audio/mpeg", "audio/x-wav"],
  video: ["video/mp4", "video/mpeg"],
};

/** By the type that the content shows: the kind, and the extension of stored files. */
const TYPES: Readonly<Record<string, { readonly kind: FileKind; readonly extension: string }>> = {
  "image/png": { kind: "image", extension: "png" },
  "image/jpeg": { kind: "image", extension: "jpg" },
  "image/gif": { kind: "image", extension: "gif" },
  "image/x-icon": { kind: "image", extension: "ico" },
  "audio/wav": { kind: "audio", extension: "wav" },
  "audio/mpeg": { kind: "audio", extension: "mp3" },
  "audio/x-m4a": { kind: "audio", extension: "m4a" },
  "audio/mp4": { kind: "audio", extension: "m4a" },
  "audio/x-ms-asf": { kind: "audio", extension: "wma" },
  "audio/ogg": { kind: "audio", extension: "ogg" },
  "audio/ogg; codecs=opus": { kind: "audio", extension: "ogg" },
  "video/mp4": { kind: "video", extension: "mp4" },
  "video/mpeg": { kind: "video", extension: "mpg" },
};

/** Types that stored files are served as, by extension. Other files are offered for download. */
export const CONTENT_TYPES: ReadonlyMap<string, string> = new Map([
  ["png", "image/png"],
  ["jpg", "image/jpeg"],
  ["jpeg", "image/jpeg"],
  ["gif", "image/gif"],
  ["ico", "image/x-icon"],
  ["wav", "audio/wav"],
  ["mp3", "audio/mpeg"],
  ["m4a", "audio/mp4"],
  ["wma", "audio/x-ms-wma"],
  ["ogg", "audio/ogg"],
  ["mp4", "video/mp4"],
  ["mpg", "video/mpeg"],
  ["mpeg", "video/mpeg"],
]);

/** The kind of a file and its extension, by its content; undefined if it is none of the accepted types. */
export async function typeOf(
  path: string,
): Promise<{ readonly kind: FileKind; readonly extension: string } | undefined> {
  const found = await fileTypeFromFile(path).catch(() => undefined);
  return found && TYPES[found.mime];
}
