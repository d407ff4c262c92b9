import type { ApiDocuments } from "../endpoints/endpoint.ts";
import type { Route } from "../endpoints/route.ts";
import type { Language } from "../texts/language.ts";
import { asyncApiDocument } from "./asyncapi.ts";
import { eventsPage } from "./events-page.ts";
import { openApiDocument } from "./openapi.ts";

export interface DocumentOptions {
  /** The routes that are served, in the order of the document. */
  readonly routes: readonly Route[];
  readonly arePagesEnabled: boolean;
  /** Requests need a login or a token. */
  readonly isSecured: boolean;
}

/** The documents of this version; each is made once, when it is requested first. */
export function apiDocuments({ routes, arePagesEnabled, isSecured }: DocumentOptions): ApiDocuments {
  const openApi = new Map<Language, Readonly<Record<string, unknown>>>();
  let asyncApi: Readonly<Record<string, unknown>> | undefined;
  return {
    arePagesEnabled,
    openApi(language) {
      const document = openApi.get(language) ?? openApiDocument(routes, { language, isSecured });
      openApi.set(language, document);
      return document;
    },
    asyncApi: () => {
      asyncApi ??= asyncApiDocument();
      return asyncApi;
    },
    eventsPage,
  };
}
