// Real gRPC clients of the server under test: @grpc/grpc-js with the vendored definitions.

import {
  credentials,
  Metadata,
  type ChannelCredentials,
  type ClientOptions,
  type ClientReadableStream,
  type ServiceError,
} from "@grpc/grpc-js";
import {
  AuthorizationClient,
  HealthClient,
  type CheckRequestMessage,
  type CheckResponseMessage,
} from "./ext-authz-proto.ts";

type Callback<T> = (error: ServiceError | null, response?: T) => void;

interface CheckStub {
  Check(
    request: CheckRequestMessage,
    metadata: Metadata,
    options: object,
    callback: Callback<CheckResponseMessage>,
  ): { cancel(): void };
}

interface HealthMessage {
  readonly status: string;
}

interface HealthStub {
  Check(request: object, callback: Callback<HealthMessage>): void;
  Watch(request: object): ClientReadableStream<HealthMessage>;
}

export interface CheckOptions {
  readonly metadata?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

export interface GrpcClients {
  check(request: CheckRequestMessage, options?: CheckOptions): Promise<CheckResponseMessage>;
  /** Sends a call and takes it back at once. */
  cancelledCheck(request: CheckRequestMessage): Promise<ServiceError | null>;
  /** Calls a method by its path, with an empty message. */
  unary(path: string): Promise<void>;
  health(service: string): Promise<string>;
  /** Statuses as they come; the last element is "end" once the server has ended the stream. */
  watch(service: string): { readonly seen: string[]; cancel(): void };
  close(): void;
}

/** `target` as the server reports it. Own connections: nothing is shared with other clients of the same target. */
export function connectClients(
  target: string,
  credential: ChannelCredentials = credentials.createInsecure(),
): GrpcClients {
  const options: ClientOptions = { "grpc.use_local_subchannel_pool": 1, "grpc.max_receive_message_length": -1 };
  const checks = new AuthorizationClient(target, credential, options);
  const healths = new HealthClient(target, credential, options);
  const stub = checks as unknown as CheckStub;
  const health = healths as unknown as HealthStub;
  return {
    check(request, { metadata = {}, timeoutMs = 10_000 } = {}) {
      const sent = new Metadata();
      for (const [key, value] of Object.entries(metadata)) sent.set(key, value);
      return new Promise((resolve, reject) => {
        stub.Check(request, sent, { deadline: Date.now() + timeoutMs }, (error, response) => {
          if (error !== null) reject(error);
          else if (response === undefined) reject(new Error("neither error nor response"));
          else resolve(response);
        });
      });
    },
    cancelledCheck(request) {
      return new Promise((resolve) => {
        const call = stub.Check(request, new Metadata(), {}, (error) => resolve(error));
        setImmediate(() => call.cancel());
      });
    },
    unary(path) {
      const nothing = (): Buffer => Buffer.alloc(0);
      return new Promise((resolve, reject) => {
        checks.makeUnaryRequest(path, nothing, nothing, {}, (error) => (error === null ? resolve() : reject(error)));
      });
    },
    health(service) {
      return new Promise((resolve, reject) => {
        health.Check({ service }, (error, response) => {
          if (error !== null) reject(error);
          else resolve(response?.status ?? "none");
        });
      });
    },
    watch(service) {
      const seen: string[] = [];
      const stream = health.Watch({ service });
      stream.on("data", (message: HealthMessage) => seen.push(message.status));
      stream.on("error", (error: ServiceError) => seen.push(`error ${error.code}`));
      stream.on("end", () => seen.push("end"));
      return { seen, cancel: () => stream.cancel() };
    },
    close() {
      checks.close();
      healths.close();
    },
  };
}
