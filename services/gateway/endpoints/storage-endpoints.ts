import { unlink } from "node:fs/promises";
import { AppError } from "../../../shared/errors.ts";
import { ACCEPTED, type FileKind, typeOf } from "../storage/file-types.ts";
import type { StorageBackend } from "../storage/storage.ts";
import { inMessage } from "../wire/output.ts";
import { message } from "../wire/response.ts";
import { uploadedFile } from "../wire/wire-kinds.ts";
import { InvalidInput, required } from "../wire/wire-validation.ts";
import type { Endpoint, EndpointContext } from "./endpoint.ts";

class FileTypeRefused extends AppError {
  constructor(accepted: readonly string[]) {
    super(`The file has none of the types ${accepted.join(", ")}`, {
      type: "FILE_TYPE_REFUSED",
      data: { accepted },
    });
  }
}

interface UploadRules {
  readonly backend: StorageBackend;
  readonly kinds: readonly FileKind[];
  readonly megabytes: number;
  /** The folder of a file, given the start of the day in seconds since the epoch. */
  readonly folder: (day: number) => string;
  /** What the response has as text, for documents. */
  readonly example: string;
}

const EXAMPLE_NAME = "0f3c5a7e9b1d2f4a6c8e0b2d4f6a8c1e";

/** Stores the part `file` of a multipart request; what clients find it by is in `message`, as in the Python original. */
function upload({ backend, kinds, megabytes, folder, example }: UploadRules): Endpoint {
  const accepted = kinds.flatMap((kind) => ACCEPTED[kind]);
  return {
    input: { source: "file", fields: { file: required(uploadedFile) } },
    output: inMessage({ zh: example, en: example }),
    async handle({ receive }, { storage, datetimes }) {
      const store = storage.store(backend);
      const file = await receive({ directory: store.incoming, megabytes });
      if (!file) throw missing();
      try {
        const type = await typeOf(file.path);
        if (!type || !kinds.includes(type.kind)) throw new FileTypeRefused(accepted);
        return message(await store.put(file, { ...type, folder: folder(startOfDay(datetimes)) }));
      } finally {
        // Stored files have moved away.
        await unlink(file.path).catch(() => {});
      }
    },
  };
}

const missing = () =>
  new InvalidInput([{ field: "file", message: "Field required", expected: uploadedFile.expected }], {});

function startOfDay({ show, read }: EndpointContext["datetimes"]): number {
  const [day] = show(new Date().toISOString()).split(" ");
  return Date.parse(read(`${day} 00:00:00`)) / 1000;
}

export const createLocalImage = upload({
  backend: "local",
  kinds: ["image"],
  megabytes: 10,
  folder: () => "image",
  example: `/media/image/${EXAMPLE_NAME}.png`,
});

export const createLocalAudio = upload({
  backend: "local",
  kinds: ["audio"],
  megabytes: 50,
  folder: (day) => `audio/${day}`,
  example: `/media/audio/1767542400/${EXAMPLE_NAME}.mp3`,
});

export const createLocalVideo = upload({
  backend: "local",
  kinds: ["video"],
  megabytes: 50,
  folder: (day) => `video/${day}`,
  example: `/media/video/1767542400/${EXAMPLE_NAME}.mp4`,
});

export const createLocalFile = upload({
  backend: "local",
  kinds: ["image", "video", "audio"],
  megabytes: 50,
  folder: String,
  example: `/media/1767542400/${EXAMPLE_NAME}.png`,
});

/** Returns the name within the directory of temporary files, not the path on the server, as the original did. */
export const createTempImage = upload({
  backend: "temp",
  kinds: ["image"],
  megabytes: 10,
  folder: String,
  example: `1767542400/${EXAMPLE_NAME}.png`,
});
