import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

/** A file that a page loads: of a library, or a text of ours. */
export interface PageFile {
  readonly contentType: string;
  read(): Promise<Uint8Array> | string;
}

const require = createRequire(import.meta.url);
const SCRIPT = "text/javascript; charset=utf-8";
const STYLE = "text/css; charset=utf-8";
const HTML = "text/html; charset=utf-8";

const ofLibrary = (file: string, contentType: string): PageFile => ({
  contentType,
  read: () => readFile(require.resolve(file)),
});
const ours = (text: string, contentType: string): PageFile => ({ contentType, read: () => text });

interface PageParts {
  readonly title: string;
  readonly styles?: readonly string[];
  readonly scripts: readonly string[];
}

function html({ title, styles = [], scripts }: PageParts): PageFile {
  const links = styles.map((path) => `<link rel="stylesheet" href="${path}">`).join("");
  const loads = scripts.map((path) => `<script src="${path}"></script>`).join("");
  const head = `<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">`;
  const icon = `<link rel="icon" type="image/png" href="/docs/favicon.png">`;
  return ours(
    `<!doctype html>\n<html><head>${head}<title>${title}</title>${icon}${links}</head><body><div id="page"></div>${loads}</body></html>\n`,
    HTML,
  );
}

/** Starts Swagger UI as FastAPI does. */
const SWAGGER_START = `SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#page",
  deepLinking: true,
  validatorUrl: null,
  oauth2RedirectUrl: location.origin + "/swagger-redirect",
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIBundle.SwaggerUIStandalonePreset],
  layout: "BaseLayout",
});
`;
const REDOC_START = `Redoc.init("/openapi.json", { disableSearch: true }, document.getElementById("page"));
`;
const EVENTS_STYLE = `body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; } td:first-child code { white-space: nowrap; } td { border: 1px solid #8884; padding: .2rem .6rem; vertical-align: top; }
code, pre { font: 13px/1.5 ui-monospace, monospace; overflow-wrap: anywhere; } pre { overflow: auto; }
section { border-top: 1px solid #8884; margin-top: 1.5rem; } summary { cursor: pointer; }
`;

/** The pages and their files, by path. All are local: no page loads anything from another host. */
export const pageFiles: Readonly<Record<`/${string}`, PageFile>> = {
  "/docs": html({
    title: "KINIT FAST TASK - Swagger UI",
    styles: ["/docs/swagger-ui.css"],
    scripts: ["/docs/swagger-ui-bundle.js", "/docs/start.js"],
  }),
  "/docs/swagger-ui.css": ofLibrary("swagger-ui-dist/swagger-ui.css", STYLE),
  "/docs/swagger-ui-bundle.js": ofLibrary("swagger-ui-dist/swagger-ui-bundle.js", SCRIPT),
  "/docs/start.js": ours(SWAGGER_START, SCRIPT),
  "/docs/favicon.png": ofLibrary("swagger-ui-dist/favicon-32x32.png", "image/png"),
  "/swagger-redirect": html({ title: "Swagger UI: OAuth2 Redirect", scripts: ["/docs/oauth2-redirect.js"] }),
  "/docs/oauth2-redirect.js": ofLibrary("swagger-ui-dist/oauth2-redirect.js", SCRIPT),
  "/redoc": html({
    title: "KINIT FAST TASK - ReDoc",
    scripts: ["/redoc/redoc.standalone.js", "/redoc/start.js"],
  }),
  "/redoc/redoc.standalone.js": ofLibrary("redoc/bundles/redoc.standalone.js", SCRIPT),
  "/redoc/start.js": ours(REDOC_START, SCRIPT),
  "/asyncapi/page.css": ours(EVENTS_STYLE, STYLE),
};

/** What the pages may load and run: their own files only; both libraries set styles from their scripts. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");
