import type { Permission } from "../../../shared/contracts/permissions.ts";
import { AppError } from "../../../shared/errors.ts";

export class Unauthenticated extends AppError {
  constructor() {
    super("The request has no valid access token, API token or session", { type: "UNAUTHENTICATED" });
  }
}

export class Forbidden extends AppError {
  constructor(permission: Permission) {
    super(`The permission ${permission} is missing`, { type: "FORBIDDEN", data: { permission } });
  }
}
