import { nothing } from "../wire/output.ts";
import { type ApiResponse, httpError, type Page } from "../wire/response.ts";
import { type Endpoint, type EndpointContext, noInput } from "./endpoint.ts";
import { CONTENT_SECURITY_POLICY, type PageFile, pageFiles } from "./page-files.ts";
import type { Route } from "./route.ts";

/** An endpoint whose response is no envelope. */
const bare = (respond: (context: EndpointContext) => ApiResponse | Promise<ApiResponse>): Endpoint => ({
  input: noInput,
  output: nothing,
  handle: async (_, context) => respond(context),
});

/** The order of languages and the document differ by this header. */
const VARIES = { Vary: "Accept-Language" };

const openApi = bare(({ documents, language }) => ({
  status: 200,
  body: documents.openApi(language),
  headers: VARIES,
}));
const asyncApi = bare(({ documents }) => ({ status: 200, body: documents.asyncApi() }));
const eventsPage = bare(({ documents, language }) =>
  documents.arePagesEnabled
    ? shown({ contentType: "text/html; charset=utf-8", content: documents.eventsPage(language) }, VARIES)
    : absent(),
);

const fileEndpoint = ({ contentType, read }: PageFile): Endpoint =>
  bare(async ({ documents }) =>
    documents.arePagesEnabled
      ? shown({ contentType, content: await read() }, { "Cache-Control": "max-age=3600" })
      : absent(),
  );

const absent = (): ApiResponse => httpError(404, "Not Found");

function shown(page: Page, headers: Readonly<Record<string, string>>): ApiResponse {
  return {
    status: 200,
    body: {},
    page,
    headers: {
      "Content-Security-Policy": CONTENT_SECURITY_POLICY,
      "Referrer-Policy": "no-referrer",
      ...headers,
    },
  };
}

const documentRoute = (path: `/${string}`, endpoint: Endpoint): Route => ({
  paths: { own: `GET ${path}` },
  operation: "platform.documents",
  action: null,
  access: "public",
  endpoint,
});

/** The documents of the API and the pages that show them; they are not part of the API that they document. */
export const pageRoutes: readonly Route[] = [
  documentRoute("/openapi.json", openApi),
  documentRoute("/asyncapi.json", asyncApi),
  documentRoute("/asyncapi", eventsPage),
  ...Object.entries(pageFiles).map(([path, file]) => documentRoute(path as `/${string}`, fileEndpoint(file))),
];
