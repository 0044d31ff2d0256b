/** Whether one decimal number is a whole multiple of another, exactly: 0.3 is one of 0.1, which floating point denies. */
export function isMultiple(value: number, of: number): boolean {
  const a = decimal(value);
  const b = decimal(of);
  if (a === undefined || b === undefined || b.digits === 0n) return false;
  const exponent = Math.min(a.exponent, b.exponent);
  return scaled(a, exponent) % scaled(b, exponent) === 0n;
}

interface Decimal {
  readonly digits: bigint;
  readonly exponent: number;
}

function scaled({ digits, exponent }: Decimal, to: number): bigint {
  return digits * 10n ** BigInt(exponent - to);
}

function decimal(value: number): Decimal | undefined {
  const [, whole = '', fraction = '', exponent = '0'] =
    /^(-?\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/u.exec(String(value)) ?? [];
  if (whole === '') return undefined;
  return { digits: BigInt(whole + fraction), exponent: Number(exponent) - fraction.length };
}
