// One HTTP exchange whose answer comes line by line: each is told when it is there. It tries nothing twice.

import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { err, ok, type Result } from "../core/result.ts";
import type { HttpAnswer, HttpCall, NoAnswer } from "./http-call.ts";
import { createLineCutter } from "./line-cutter.ts";

/** Of a stream of answers; far above what a line of a batch takes. */
const MAX_SILENCE_MS = 60_000;
const MAX_PROBLEM_CHARS = 65_536;

/** `body` of the answer is empty where its lines were told. An answer that does not come whole is none. */
export function exchangeLines(call: HttpCall, onLine: (line: string) => void): Promise<Result<HttpAnswer, NoAnswer>> {
  const send = call.url.protocol === "https:" ? httpsRequest : httpRequest;
  return new Promise((resolve) => {
    const fail = (error: NodeJS.ErrnoException): void => resolve(err({ code: error.code ?? error.name }));
    const request = send(call.url, { method: call.method, headers: call.headers, agent: false }, (response) => {
      const { statusCode: status = 0 } = response;
      const cutter = createLineCutter();
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (text: string) => {
        if (status === 200) for (const line of cutter.push(text)) onLine(line);
        else body = (body + text).slice(0, MAX_PROBLEM_CHARS);
      });
      response.on("end", () => resolve(ok({ status, body })));
      response.on("error", fail);
    });
    request.setTimeout(MAX_SILENCE_MS, () => request.destroy(Object.assign(new Error(), { code: "timeout" })));
    request.on("error", fail);
    request.end(call.body);
  });
}
