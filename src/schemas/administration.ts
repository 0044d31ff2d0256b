/**
 * The whole schema registry, as its REST interface and the command line see it: versions that come and go, what they
 * refer to, and the settings that decide which changes are allowed (test/contracts/registry-administration.ts).
 *
 * A deleted version takes no part in compatibility, but who has its id can still read it, until it is deleted
 * permanently. Every change is durable once it is answered, and is there whole or not at all (D1). What is refused is a
 * RegistryFault (registry-fault.ts).
 */
import type { CompatibilityLevel, Incompatibility } from './compatibility/compatibility.ts';
import type { ReferencedSchema, SchemaType } from './registry.ts';

/**
 * What may be changed. READONLY_OVERRIDE is the registry's only, and wins over the modes of subjects. IMPORT: ids and versions
 * are given, and compatibility is not checked.
 */
export const modes = ['READWRITE', 'READONLY', 'READONLY_OVERRIDE', 'IMPORT'] as const;
export type Mode = (typeof modes)[number];

export interface SchemaReference {
  readonly name: string;
  readonly subject: string;
  readonly version: number;
}

export interface SchemaContent {
  readonly type: SchemaType;
  /** Protobuf: the text of a .proto file, or a FileDescriptorProto in base64, which is kept as text. */
  readonly schema: string;
  readonly references: readonly SchemaReference[];
}

export interface SchemaVersion extends SchemaContent {
  readonly id: number;
  readonly subject: string;
  readonly version: number;
  readonly isDeleted: boolean;
}

/** Which versions: those that are not deleted, all, or the deleted ones; never what is deleted permanently. */
export type Which = 'live' | 'all' | 'deleted';

export interface Registration {
  /** The schema is kept in one form for all that mean the same. Default false. */
  readonly normalize?: boolean;
  /** In mode IMPORT: the id; default: the next one that is free. */
  readonly id?: number | undefined;
  readonly version?: number | undefined;
}

export interface Lookup {
  readonly which: Which;
  /** Schemas that mean the same are the same. Default false. */
  readonly normalize?: boolean;
}

export type VersionProblem = Incompatibility & { readonly version: number };

export interface RegistryAdministration {
  subjects(which: Which): Promise<readonly string[]>;
  /** Ascending; none where there is no such subject. */
  versions(subject: string, which: Which): Promise<readonly SchemaVersion[]>;
  version(subject: string, version: number | 'latest', which: Which): Promise<SchemaVersion>;
  /** All that have the id; none where there is no such id. */
  versionsOfId(id: number, which: Which): Promise<readonly SchemaVersion[]>;
  /** The largest id that was ever given; 0 where none was. */
  maxId(): Promise<number>;
  /** Ids of the schemas that refer to a version. */
  referencedBy(subject: string, version: number | 'latest'): Promise<readonly number[]>;
  /** The texts of all that a schema refers to, each before the ones that name it. */
  referenced(content: SchemaContent): Promise<readonly ReferencedSchema[]>;
  /** The newest version with this schema. */
  find(subject: string, content: SchemaContent, lookup: Lookup): Promise<SchemaVersion | undefined>;
  /** Answers the version that is there already where the subject has this schema. */
  register(subject: string, content: SchemaContent, registration?: Registration): Promise<SchemaVersion>;
  /** What keeps a schema from being registered, by the subject's level; `all`: against as many versions as the level says. */
  problems(
    subject: string,
    content: SchemaContent,
    against: number | 'latest' | 'all',
  ): Promise<readonly VersionProblem[]>;
  /** Only what is deleted can be deleted permanently. @returns the versions */
  deleteSubject(subject: string, isPermanent: boolean): Promise<readonly number[]>;
  /** Only what is deleted can be deleted permanently. @returns the version */
  deleteVersion(subject: string, version: number | 'latest', isPermanent: boolean): Promise<number>;
  /** The subject's own, or without a subject the registry's. */
  compatibility(subject?: string): Promise<CompatibilityLevel | undefined>;
  /** Undefined: back to what holds without it. */
  setCompatibility(subject: string | undefined, level: CompatibilityLevel | undefined): Promise<void>;
  mode(subject?: string): Promise<Mode | undefined>;
  /** IMPORT is refused where there are versions already, unless forced. */
  setMode(subject: string | undefined, mode: Mode | undefined, isForced: boolean): Promise<void>;
}

/** What holds where nobody has set anything. */
export const defaultCompatibility: CompatibilityLevel = 'BACKWARD';
export const defaultMode: Mode = 'READWRITE';
