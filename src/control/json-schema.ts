// What a schema of the control API is: plain JSON Schema 2020-12, which OpenAPI 3.1 takes as it is.

export type JsonSchema = Readonly<Record<string, unknown>>;
