import type { JsonSchema } from "../../../shared/contracts/json-schema.ts";
import { fieldTexts } from "../texts/field-texts.ts";
import type { Language } from "../texts/language.ts";

/** The description of a field, as a member of its schema; empty where there is no text. */
export function described(name: string, language: Language): { readonly description?: string } {
  const text = Object.hasOwn(fieldTexts, name) ? fieldTexts[name] : undefined;
  return text ? { description: text[language] } : {};
}

/** Returns a schema with the descriptions of the fields of all its objects. */
export function withDescriptions(schema: JsonSchema, language: Language): JsonSchema {
  return Object.fromEntries(
    Object.entries(schema).map(([keyword, value]) => [keyword, keywordWith(keyword, value, language)]),
  );
}

function keywordWith(keyword: string, value: unknown, language: Language): unknown {
  switch (keyword) {
    case "properties":
      return Object.fromEntries(
        Object.entries(value as Record<string, JsonSchema>).map(([name, inner]) => [
          name,
          { ...withDescriptions(inner, language), ...described(name, language) },
        ]),
      );
    case "items":
      return withDescriptions(value as JsonSchema, language);
    case "anyOf":
    case "oneOf":
      return (value as readonly JsonSchema[]).map((inner) => withDescriptions(inner, language));
    default:
      return value;
  }
}
