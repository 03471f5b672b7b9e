// Recognises RSA moduli of the broken Infineon generator (CVE-2017-15361, "ROCA"). It factors nothing.

/** Every affected modulus is a power of 65537 modulo each of the first 39 primes (Nemec et al., CCS 2017, §2.2). */
const PRIMES: readonly number[] = [
  3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113,
  127, 131, 137, 139, 149, 151, 157, 163, 167,
];
const GENERATOR = 65537;

const RESIDUES: readonly (readonly [prime: bigint, powers: ReadonlySet<number>])[] = PRIMES.map((prime) => {
  const powers = new Set<number>();
  for (let power = 1; !powers.has(power); power = (power * GENERATOR) % prime) powers.add(power);
  return [BigInt(prime), powers];
});

/** `modulus` big-endian. A sound modulus passes for one of these once in about 2^27. */
export function hasRocaFingerprint(modulus: Uint8Array): boolean {
  const n = BigInt(`0x${Buffer.from(modulus).toString("hex")}`);
  return RESIDUES.every(([prime, powers]) => powers.has(Number(n % prime)));
}
