import Bowser from "bowser";

/** System and browser of a client, as its `User-Agent` names them. */
export interface Device {
  readonly system: string;
  readonly browser: string;
}

/** As the Python original has it for what it does not recognise. */
const OTHER = "Other";
const LONGEST = 512;
const KEPT = 500;
const known = new Map<string, Device>();
/** A program names itself in its first product: `curl/8.5.0`. */
const PROGRAM = /^([A-Za-z][\w.-]{0,40})\/(\d+(?:\.\d+){0,2})/;

/** The device behind a `User-Agent`, which may be anything, or missing. */
export function deviceOf(userAgent: string | undefined): Device {
  if (!userAgent) return { system: OTHER, browser: OTHER };
  const text = userAgent.slice(0, LONGEST);
  const cached = known.get(text);
  if (cached) return cached;
  if (known.size >= KEPT) known.clear();
  const device = parse(text);
  known.set(text, device);
  return device;
}

function parse(text: string): Device {
  const { os, browser } = Bowser.parse(text);
  const program = PROGRAM.exec(text);
  const isBrowser = text.startsWith("Mozilla/");
  const named = isBrowser
    ? inWords(browser.name, browser.version)
    : program && inWords(program[1], program[2]);
  return { system: inWords(os.name, os.versionName ?? os.version), browser: named || OTHER };
}

function inWords(name: string | undefined, version: string | undefined): string {
  if (!name) return OTHER;
  const numbers = /^\d/.test(version ?? "") ? version?.split(".").slice(0, 3).join(".") : version;
  return [name, numbers].filter(Boolean).join(" ");
}
