/** The languages of the API. */
export type Language = "zh" | "en";

export type Text = Readonly<Record<Language, string>>;

/** A text for clients. A plain string is the same in every language, such as the sentences of pydantic. */
export type Wording = string | Text;

export function inLanguage(wording: Wording, language: Language): string {
  return typeof wording === "string" ? wording : wording[language];
}

/** The language that a client prefers, by its header `Accept-Language`; Chinese where it names neither. */
export function languageOf(acceptLanguage: string | undefined): Language {
  let preferred: Language = "zh";
  let highest = 0;
  for (const range of (acceptLanguage ?? "").split(",")) {
    const [tag = "", ...params] = range
      .trim()
      .toLowerCase()
      .split(/\s*;\s*/);
    const language = /^(zh|en)(?:-|$)/.exec(tag)?.[1] as Language | undefined;
    const q = Number(params.find((param) => param.startsWith("q="))?.slice(2) ?? 1);
    if (language === undefined || !(q > highest)) continue;
    preferred = language;
    highest = q;
  }
  return preferred;
}
