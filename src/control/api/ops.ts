// What operates a control plane of its own asks: is it alive, should it get traffic, how is it doing. In `dev` the
// sidecar's own listener tells.

import type { FastifyInstance } from "fastify";
import type { Gate } from "../gate.ts";
import { sendProblem } from "./room.ts";

export interface ControlOps {
  /** Without a store nothing can be revoked here. No credential is in it. */
  readonly readiness: () => { readonly ready: boolean; readonly components: object };
  /** The metrics in the form that the request's Accept header asks for. */
  readonly metrics: (accept: string | undefined) => Promise<{ readonly contentType: string; readonly body: string }>;
}

/** For whoever probes: nobody's secret, but counted, for a probe is no flood. */
export function registerProbes(app: FastifyInstance, gate: Gate, ops: ControlOps): void {
  app.get("/livez", (request, reply) => {
    const limited = gate.chargeStranger(request.raw);
    return limited === undefined ? reply.type("text/plain").send("ok\n") : sendProblem(reply, limited);
  });
  app.get("/readyz", (request, reply) => {
    const limited = gate.chargeStranger(request.raw);
    if (limited !== undefined) return sendProblem(reply, limited);
    const report = ops.readiness();
    return reply.code(report.ready ? 200 : 503).send(report);
  });
}

/** For callers who may read: this listener may be open to strangers, as a sidecar's for operations is not. */
export function registerMetrics(app: FastifyInstance, ops: ControlOps): void {
  app.get("/metrics", async (request, reply) => {
    const { contentType, body } = await ops.metrics(request.headers.accept);
    return reply.header("content-type", contentType).send(body);
  });
}
