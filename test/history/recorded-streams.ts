import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { BSON, type Document } from "mongodb";
import type { EventDocument } from "../../shared/event-store/event-document.ts";

/** Streams of a running platform, with the read models' documents as it stored them. */
export interface RecordedStreams {
  readonly events: readonly EventDocument[];
  readonly tasks: readonly Document[];
  readonly records: readonly Document[];
}

export const STREAMS = "test/fixtures/streams";

/** One of the folders with the streams of a release, by version and name of the file. */
export function* recordedStreams(): Iterable<{ name: string; streams: RecordedStreams }> {
  for (const version of readdirSync(STREAMS))
    for (const file of readdirSync(join(STREAMS, version))) {
      const text = readFileSync(join(STREAMS, version, file), "utf8");
      yield { name: `${version}/${file}`, streams: BSON.EJSON.parse(text) as unknown as RecordedStreams };
    }
}

/** Extended JSON, one document a line, so that a difference is one line. */
export function formatted(streams: RecordedStreams): string {
  const parts = Object.entries(streams).map(([name, documents]: [string, readonly Document[]]) => {
    const lines = documents.map((document) => `    ${BSON.EJSON.stringify(document)}`);
    return `  "${name}": [${lines.length > 0 ? `\n${lines.join(",\n")}\n  ` : ""}]`;
  });
  return `{\n${parts.join(",\n")}\n}\n`;
}
