/**
 * What goes between the process and the thread that reads for it: few strings and numbers for many files, as an object for each that is sent would cost
 * a good part of what reading a small file does.
 */
import type { Candidate } from './candidate.ts';
import type { ListedPage, ListOptions } from './list-files.ts';
import type { AskedFile, FileAnswer, ReadOptions } from './read-page.ts';
import type { Away } from './take-away.ts';

export type AskedOfThread =
  | {
      readonly id: number;
      readonly read: PackedFiles;
      /** Handed over, and back. */
      readonly buffer: ArrayBuffer;
      readonly options: ReadOptions;
    }
  | { readonly id: number; readonly listing: number; readonly list: ListOptions }
  | { readonly id: number; readonly takeAway: readonly FileToTakeAway[]; readonly away: Away }
  | { readonly endOf: number };

export interface FileToTakeAway {
  readonly candidate: Candidate;
  readonly version: string;
}

/** As `takeAway` answers, or what it throws. */
export type TakenAway = boolean | Error;

export type ToldByThread =
  /** `ms`: how long it has read. */
  | { readonly id: number; readonly answers: PackedAnswers; readonly buffer: ArrayBuffer; readonly ms: number }
  /** Undefined behind the last one. */
  | { readonly id: number; readonly page: PackedPage | undefined }
  | { readonly id: number; readonly takenAway: readonly TakenAway[] };

/** No path has the character, and no name is empty. */
const between = '\0';

export interface PackedFiles {
  readonly paths: string;
  /** Of those that have any. */
  readonly unless: ReadonlyMap<number, readonly string[]>;
}

export function packFiles(files: readonly AskedFile[]): PackedFiles {
  const unless = new Map<number, readonly string[]>();
  for (const [index, one] of files.entries()) if (one.unless.length > 0) unless.set(index, one.unless);
  return { paths: files.map(({ path }) => path).join(between), unless };
}

export function unpackFiles({ paths, unless }: PackedFiles): AskedFile[] {
  return split(paths).map((path, index) => ({ path, unless: unless.get(index) ?? [] }));
}

export interface PackedPage extends Omit<ListedPage, 'files'> {
  readonly files: string;
}

export function packPage({ files, others, unlisted }: ListedPage): PackedPage {
  return { files: files.join(between), others, unlisted };
}

export function unpackPage({ files, others, unlisted }: PackedPage): ListedPage {
  return { files: split(files), others, unlisted };
}

/** Of files that were read, in the order of the answers: six numbers each, and two digests. */
export interface PackedAnswers {
  /** Size, time of change, whether it is JSON (1), from, to, and the answer's place. */
  readonly numbers: Float64Array<ArrayBuffer>;
  readonly digests: string;
  /** All others, by their place. */
  readonly others: ReadonlyMap<number, FileAnswer>;
}

const numbersEach = 6;

export function packAnswers(answers: readonly FileAnswer[]): PackedAnswers {
  const numbers: number[] = [];
  const digests: string[] = [];
  const others = new Map<number, FileAnswer>();
  for (const [place, answer] of answers.entries()) {
    if (answer.kind !== 'read') {
      others.set(place, answer);
      continue;
    }
    const { version, content, isJson, from, to } = answer;
    numbers.push(version.size, version.changedMs, Number(isJson), from, to, place);
    digests.push(version.id, content);
  }
  return { numbers: Float64Array.from(numbers), digests: digests.join(between), others };
}

export function unpackAnswers({ numbers, digests, others }: PackedAnswers): FileAnswer[] {
  const answers: FileAnswer[] = [];
  const digest = digests.split(between);
  for (const [place, answer] of others) answers[place] = answer;
  for (let at = 0; at < numbers.length; at += numbersEach) {
    const [size, changedMs, json, from, to, place] = numbers.subarray(at, at + numbersEach) as unknown as SixNumbers;
    const first = (at / numbersEach) * 2;
    const version = { id: digest[first] as string, size, changedMs };
    answers[place] = { kind: 'read', version, content: digest[first + 1] as string, isJson: json === 1, from, to };
  }
  return answers;
}

type SixNumbers = readonly [size: number, changedMs: number, json: number, from: number, to: number, place: number];

function split(joined: string): string[] {
  return joined === '' ? [] : joined.split(between);
}
