// How other rooms will read what stands in the file. The configuration may import none of them, and must accept nothing
// that they refuse: whoever loads a file for them hands in their word.

/** Why a room would refuse a text, in a few words for people and without the text; undefined: it would not. */
type Reading = (text: string) => string | undefined;

export interface Readings {
  readonly pathPattern: Reading;
  readonly host: Reading;
  /** The text is a secret. */
  readonly storeUrl: Reading;
}

/** Where no other room will ever read the file. */
export const NO_READINGS: Readings = {
  pathPattern: () => undefined,
  host: () => undefined,
  storeUrl: () => undefined,
};
