import { AppError, errorMessage } from "../../shared/errors.ts";

/** Where a list comes from. */
export interface PageFetcher {
  /**
   * Returns the text of the response.
   *
   * @throws `CRAWL_TIMEOUT`, `CRAWL_UNREACHABLE`, `CRAWL_TOO_LARGE`; `CRAWL_BAD_STATUS`, which is retryable except
   * for a 4xx other than 429
   */
  fetch(): Promise<string>;
}

export interface HttpPageFetcherOptions {
  readonly url: string;
  /** Limit of the whole request (ms): redirects, headers and body. */
  readonly timeoutMs: number;
  readonly userAgent: string;
}

export const PAGE_MAX_BYTES = 5_000_000;

/** Posts an empty request, as the source requires, and follows up to 20 redirects, the limit of the fetch standard. */
export function httpPageFetcher({ url, timeoutMs, userAgent }: HttpPageFetcherOptions): PageFetcher {
  const name = nameOf(url);
  return {
    async fetch() {
      const signal = AbortSignal.timeout(timeoutMs);
      try {
        const response = await fetch(url, {
          method: "POST",
          headers: { "user-agent": userAgent, accept: "application/json" },
          redirect: "follow",
          signal,
        });
        if (response.ok) return await readText(response, name);
        await response.body?.cancel();
        throw new CrawlBadStatus(name, response.status);
      } catch (error) {
        if (error instanceof AppError) throw error;
        throw signal.aborted ? new CrawlTimeout(name, timeoutMs) : new CrawlUnreachable(name, error);
      }
    },
  };
}

async function readText(response: Response, name: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > PAGE_MAX_BYTES) throw new CrawlTooLarge(name);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** Without query and credentials, which may hold a key. */
function nameOf(url: string): string {
  const parsed = URL.parse(url);
  return parsed ? `${parsed.origin}${parsed.pathname}` : "the configured URL";
}

class CrawlTimeout extends AppError {
  constructor(name: string, timeoutMs: number) {
    super(`${name} did not answer within ${timeoutMs} ms`, {
      type: "CRAWL_TIMEOUT",
    });
  }
}

class CrawlUnreachable extends AppError {
  constructor(name: string, error: unknown) {
    // The message of fetch is "fetch failed"; its cause has the reason as a message or, for several addresses, a code.
    const cause = (error as Error).cause ?? error;
    const why = errorMessage(cause) || (cause as { code?: string }).code;
    super(`${name} cannot be reached: ${why}`, {
      type: "CRAWL_UNREACHABLE",
      cause,
    });
  }
}

class CrawlBadStatus extends AppError {
  constructor(name: string, status: number) {
    super(`任务：请求链接（${name}）失败, 状态码为：${status}`, {
      type: "CRAWL_BAD_STATUS",
      data: { status },
      retryable: status >= 500 || status === 429,
    });
  }
}

class CrawlTooLarge extends AppError {
  constructor(name: string) {
    super(`${name} answers more than ${PAGE_MAX_BYTES} bytes`, { type: "CRAWL_TOO_LARGE" });
  }
}
