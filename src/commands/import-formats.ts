// The deny lists of others that can be read. Apart, so that the command line knows them without loading what reads them.

export const IMPORT_FORMATS = ["csv", "krakend", "redis", "higress"] as const;
export type ImportFormat = (typeof IMPORT_FORMATS)[number];
