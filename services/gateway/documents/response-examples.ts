import { type Endpoint, type Input, readWholeBody } from "../endpoints/endpoint.ts";
import { documentTexts as texts } from "../texts/document-texts.ts";
import type { Language, Text } from "../texts/language.ts";
import type { Output } from "../wire/output.ts";
import { type ApiResponse, data, invalidInput, list, message } from "../wire/response.ts";
import { Faults, InvalidInput, readFields, type WireFields } from "../wire/wire-validation.ts";

type Examples = Readonly<Record<string, { readonly summary: string; readonly value: unknown }>>;
const LANGUAGES: readonly Language[] = ["zh", "en"];

/** Returns bodies of responses with status 200, texts in both languages, as the gateway itself makes them. */
export function responseExamples({ input, output }: Endpoint, language: Language): Examples {
  return { ...successes(output, language), ...rejections(input, language) };
}

function successes({ envelope, examples }: Output, language: Language): Examples {
  return Object.fromEntries(
    examples.flatMap((example, index) => {
      const name = `success${index === 0 ? "" : index + 1}`;
      if ("value" in example) {
        const value = success(envelope, example.value).body;
        return [[name, { summary: texts.success[language] as string, value }]];
      }
      return LANGUAGES.map((shown) => [
        `${name}_${shown}`,
        { summary: label(texts.success, shown, language), value: success(envelope, example[shown]).body },
      ]);
    }),
  );
}

function success(envelope: Output["envelope"], value: unknown): ApiResponse {
  switch (envelope) {
    case "text":
      return message(String(value));
    case "data":
      return data(value);
    case "list":
      return list([value], { total: 1, page: 1, limit: 10 });
  }
}

/** The response to a request that leaves out everything, or has an id that is none. */
function rejections({ source, fields, isWhole = false }: Input, language: Language): Examples {
  const wrong = source === "query" && "data_id" in fields ? { data_id: "x" } : {};
  if (source === "none") return {};
  const read = isWhole ? readWholeBody<WireFields>(fields, wrong) : readFields<WireFields>(fields, wrong);
  if (!(read instanceof Faults)) return {};
  const input = new InvalidInput(read.errors, source === "query" ? null : wrong);
  return Object.fromEntries(
    LANGUAGES.map((shown) => [
      `invalid_${shown}`,
      { summary: label(texts.invalid, shown, language), value: invalidInput(input, shown).body },
    ]),
  );
}

const label = (text: Text, shown: Language, language: Language): string =>
  `${text[language]} (${texts[shown][language]})`;
