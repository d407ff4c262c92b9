import type { BsonDocument } from "../bson/values.ts";
import type { Pace } from "../pacing/pace.ts";
import type { DocumentSource } from "./environment.ts";

/** The documents in a pipeline, in chunks: an `await` per document would cost more than a stage. */
export type Flow = AsyncIterable<readonly BsonDocument[]>;

/** One compiled stage, which can process any number of flows. */
export type Stage = (input: Flow) => Flow;

export const CHUNK = 256;

/** Splits a source into chunks and pauses between them when the slice is over. */
export async function* chunked(source: DocumentSource, pace: Pace): Flow {
  let chunk: BsonDocument[] = [];
  for await (const doc of source) {
    chunk.push(doc);
    const isOver = pace.isOver();
    if (chunk.length < CHUNK && !isOver) continue;
    yield chunk;
    chunk = [];
    if (isOver) await pace.pause();
  }
  if (chunk.length > 0) yield chunk;
}

/** Collects all documents of a flow. */
export async function gather(flow: Flow): Promise<BsonDocument[]> {
  const docs: BsonDocument[] = [];
  for await (const chunk of flow) for (const doc of chunk) docs.push(doc);
  return docs;
}

/** Splits a long list into chunks. */
export async function* flowOf(docs: readonly BsonDocument[], pace: Pace): Flow {
  for (let at = 0; at < docs.length; at += CHUNK) {
    yield docs.slice(at, at + CHUNK);
    if (pace.isOver()) await pace.pause();
  }
}

/** A stage that maps each document to any number of documents. */
export const expanding = (expand: (doc: BsonDocument) => readonly BsonDocument[], pace: Pace): Stage =>
  async function* (input) {
    let out: BsonDocument[] = [];
    for await (const chunk of input) {
      for (const doc of chunk) {
        for (const next of expand(doc)) out.push(next);
        const isOver = pace.isOver();
        if (out.length < CHUNK && !isOver) continue;
        yield out;
        out = [];
        if (isOver) await pace.pause();
      }
      if (out.length > 0) yield out;
      out = [];
    }
  };

/** A stage that maps each document to one document. */
export const mapping = (transform: (doc: BsonDocument) => BsonDocument, pace: Pace): Stage =>
  async function* (input) {
    for await (const chunk of input) {
      const mapped: BsonDocument[] = [];
      for (const doc of chunk) {
        mapped.push(transform(doc));
        if (pace.isOver()) await pace.pause();
      }
      yield mapped;
    }
  };

export const filtering = (accepts: (doc: BsonDocument) => boolean, pace: Pace): Stage =>
  async function* (input) {
    for await (const chunk of input) {
      const kept: BsonDocument[] = [];
      for (const doc of chunk) {
        if (accepts(doc)) kept.push(doc);
        if (pace.isOver()) await pace.pause();
      }
      if (kept.length > 0) yield kept;
    }
  };

export const limiting = (limit: number): Stage =>
  async function* (input) {
    let left = limit;
    for await (const chunk of input) {
      yield chunk.length > left ? chunk.slice(0, left) : chunk;
      left -= Math.min(left, chunk.length);
      if (left === 0) return;
    }
  };

export const skipping = (count: number): Stage =>
  async function* (input) {
    let left = count;
    for await (const chunk of input) {
      if (left >= chunk.length) left -= chunk.length;
      else {
        yield left > 0 ? chunk.slice(left) : chunk;
        left = 0;
      }
    }
  };
