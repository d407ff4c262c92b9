import type { ActionName } from "../../../shared/contracts/actions.ts";
import type { Permission } from "../../../shared/contracts/permissions.ts";
import type { Text } from "../texts/language.ts";
import { groupTags, operationSummaries } from "../texts/operation-texts.ts";
import type { Endpoint } from "./endpoint.ts";

export type Method = "GET" | "POST" | "PUT" | "DELETE";
type Alias = `${Method} /${string}`;

/** Method and path in each revision of the Python original that has the endpoint, or `own` for one of ours. */
export interface Paths {
  readonly R1?: Alias;
  readonly R2?: Alias;
  readonly own?: Alias;
}

/** A group of routes under its name in `APPS`, which is that of the Python original; `platform` is ours. */
export type RouteGroup = keyof typeof groupTags;

/** One endpoint of the API. */
export interface Route {
  readonly paths: Paths;
  /** `<group>.<name>`; the name is that of the original's function (`route_name`). */
  readonly operation: keyof typeof operationSummaries;
  /** The name of the function in the first revision, if it differs. */
  readonly nameInR1?: string;
  /** Tags in addition to that of the group. */
  readonly tags?: readonly Text[];
  /** The action that it calls; null where the gateway responds without one. */
  readonly action: ActionName | null;
  readonly endpoint: Endpoint;
  readonly access: Access;
}

/** Who may use a route: everybody, everybody who is logged in, or those with a permission. */
export type Access = "public" | "logged in" | Permission;

/** What documents and the operation log show of a route. */
export interface RouteDescription {
  readonly group: RouteGroup;
  /** Unique within its group. */
  readonly name: string;
  readonly summary: Text;
  /** The tag of the group comes first. */
  readonly tags: readonly Text[];
}

export function describeRoute({ operation, tags = [] }: Pick<Route, "operation" | "tags">): RouteDescription {
  const [group, name] = operation.split(".") as [RouteGroup, string];
  return { group, name, summary: operationSummaries[operation], tags: [groupTags[group], ...tags] };
}

/** The same path in both revisions. */
export const both = (alias: Alias): Paths => ({ R1: alias, R2: alias });
