import { audience } from "../../../shared/contracts/audience.ts";
import { catalogue, type EventPattern, matchesPattern } from "../../../shared/contracts/catalogue.ts";
import type { EventContract } from "../../../shared/contracts/event.ts";
import { type JsonSchema, objectSchema } from "../../../shared/contracts/json-schema.ts";
import { documentTexts as texts } from "../texts/document-texts.ts";
import type { Language } from "../texts/language.ts";

/** The events of `/asyncapi.json` as one HTML page without scripts. */
export function eventsPage(language: Language): string {
  const entries = Object.entries(catalogue.contracts) as readonly (readonly [string, EventContract])[];
  const index = entries.map(
    ([type, { summary }]) =>
      `<tr><td><a href="#${type}"><code>${type}</code></a></td><td>${escaped(summary)}</td></tr>`,
  );
  const title = `KINIT FAST TASK – ${texts.eventsTitle[language]}`;
  return `<!doctype html>
<html lang="${language}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title><link rel="stylesheet" href="/asyncapi/page.css"></head>
<body><h1>${title}</h1>
<p><a href="/asyncapi.json">asyncapi.json</a> (AsyncAPI 3.0) · <a href="/docs">HTTP</a></p>
<table>${index.join("\n")}</table>
${entries.map((entry) => section(entry, language)).join("\n")}
</body></html>
`;
}

function section([type, contract]: readonly [string, EventContract], language: Language): string {
  const { data, example, source, summary, version } = contract;
  const groups = Object.entries(audience).filter(([, patterns]) =>
    patterns.some((pattern: EventPattern) => matchesPattern(pattern, type)),
  );
  const receivers = groups.map(([group]) => group).join(", ") || "–";
  return `<section id="${type}"><h2><code>${type}</code> <small>v${version}</small></h2>
<p>${escaped(summary)}</p>
<p>${texts.subject[language]}: <code>kinit.${type}</code> · ${texts.publishedBy[language]}: ${source} ·
${texts.receivedBy[language]}: ${receivers}</p>
<details><summary>${texts.fields[language]}</summary>${fieldTable(objectSchema(data))}</details>
<details><summary>${texts.example[language]}</summary>
<pre>${escaped(JSON.stringify(example, null, 2))}</pre></details></section>`;
}

function fieldTable({ properties = {}, required = [] }: JsonSchema): string {
  const rows = Object.entries(properties as Record<string, JsonSchema>).map(([name, schema]) => {
    const presence = (required as readonly string[]).includes(name) ? "" : "?";
    return `<tr><td><code>${escaped(name)}${presence}</code></td><td>${describeValue(schema)}</td></tr>`;
  });
  return `<table>${rows.join("\n")}</table>`;
}

function describeValue(schema: JsonSchema): string {
  if (schema.properties !== undefined) return fieldTable(schema);
  const { items, ...rest } = schema;
  const list = items === undefined ? "" : describeValue(items as JsonSchema);
  return `<code>${escaped(JSON.stringify(rest))}</code>${list}`;
}

const ESCAPES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Text as HTML shows it. */
function escaped(text: string): string {
  return text.replaceAll(/[&<>"]/g, (character) => ESCAPES[character] as string);
}
