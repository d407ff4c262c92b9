import { writeFileSync } from "node:fs";
import { openApiDocument } from "../../services/gateway/documents/openapi.ts";
import { routes } from "../../services/gateway/endpoints/routes.ts";
import { AppError, errorMessage } from "../../shared/errors.ts";
import { type ClientDocument, clientSource } from "./client-source.ts";

/** The source of the TypeScript client for the API of this version. */
export function currentClient(): string {
  const document = openApiDocument(routes, { language: "en", isSecured: true });
  return clientSource(document as unknown as ClientDocument);
}

/**
 * Prints the client, or writes it to a file.
 *
 * @throws AppError `FILE_UNUSABLE`
 */
export function clientCommand(out: string | undefined, print: (line: string) => void): void {
  if (out === undefined) {
    print(currentClient().trimEnd());
    return;
  }
  try {
    writeFileSync(out, currentClient());
  } catch (cause) {
    throw new AppError(`The client cannot be written to ${out}: ${errorMessage(cause)}`, {
      type: "FILE_UNUSABLE",
      cause,
    });
  }
  print(out);
}
