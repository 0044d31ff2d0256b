/**
 * What a schema registry refuses, with the error codes and in the words of Confluent's, which clients look at: the first
 * three digits are the HTTP status.
 */
import { Fault, type FaultCode } from '../errors.ts';
import { modes, type SchemaReference } from './administration.ts';
import { compatibilityLevels } from './compatibility/compatibility.ts';
import type { VersionProblem } from './administration.ts';

export class RegistryFault extends Fault {
  readonly errorCode: number;

  constructor(code: FaultCode, errorCode: number, message: string, options?: ErrorOptions) {
    super(code, message, options);
    this.errorCode = errorCode;
  }

  override get status(): number {
    return this.errorCode < 1000 ? this.errorCode : Math.floor(this.errorCode / 100);
  }
}

export function subjectUnknown(subject: string): RegistryFault {
  return new RegistryFault('SCHEMA_UNKNOWN', 40401, `Subject '${subject}' not found.`);
}

export function versionUnknown(subject: string, version: number | 'latest'): RegistryFault {
  return new RegistryFault('SCHEMA_UNKNOWN', 40402, `Version ${version} of subject '${subject}' not found.`);
}

export function schemaUnknown(what: string): RegistryFault {
  return new RegistryFault('SCHEMA_UNKNOWN', 40403, `Schema ${what} not found.`);
}

export function subjectDeleted(subject: string): RegistryFault {
  const message = `Subject '${subject}' was soft deleted. Set permanent=true to delete permanently.`;
  return new RegistryFault('SCHEMA_UNKNOWN', 40404, message);
}

export function subjectNotDeleted(subject: string): RegistryFault {
  const message = `Subject '${subject}' was not deleted first before being permanently deleted.`;
  return new RegistryFault('SCHEMA_UNKNOWN', 40405, message);
}

export function versionDeleted(subject: string, version: number): RegistryFault {
  const message = `Subject '${subject}' Version ${version} was soft deleted. Set permanent=true to delete permanently.`;
  return new RegistryFault('SCHEMA_UNKNOWN', 40406, message);
}

export function versionNotDeleted(subject: string, version: number): RegistryFault {
  const message = `Subject '${subject}' Version ${version} was not deleted first before being permanently deleted.`;
  return new RegistryFault('SCHEMA_UNKNOWN', 40407, message);
}

export function compatibilityNotConfigured(subject: string): RegistryFault {
  const message = `Subject '${subject}' does not have subject-level compatibility configured.`;
  return new RegistryFault('SCHEMA_UNKNOWN', 40408, message);
}

export function modeNotConfigured(subject: string): RegistryFault {
  const message = `Subject '${subject}' does not have subject-level mode configured.`;
  return new RegistryFault('SCHEMA_UNKNOWN', 40409, message);
}

export function schemaInvalid(message: string, cause?: unknown): RegistryFault {
  return new RegistryFault('SCHEMA_INVALID', 42201, `Invalid schema: ${message}`, { cause });
}

export function versionInvalid(version: string): RegistryFault {
  const message = `The specified version '${version}' is not a valid version id. Allowed values are between [1, 2^31-1] and the string "latest".`;
  return new RegistryFault('SCHEMA_INVALID', 42202, message);
}

export function compatibilityInvalid(): RegistryFault {
  const message = `Invalid compatibility level. Valid values are ${compatibilityLevels.join(', ')}.`;
  return new RegistryFault('SCHEMA_INVALID', 42203, message);
}

export function modeInvalid(): RegistryFault {
  return new RegistryFault('SCHEMA_INVALID', 42204, `Invalid mode. Valid values are ${modes.join(', ')}.`);
}

export function notPermitted(message: string): RegistryFault {
  return new RegistryFault('SCHEMA_CHANGE_REFUSED', 42205, message);
}

export function referenceExists({ subject, version }: Omit<SchemaReference, 'name'>): RegistryFault {
  const message = `One or more references exist to version ${version} of subject '${subject}'.`;
  return new RegistryFault('SCHEMA_CHANGE_REFUSED', 42206, message);
}

export function subjectInvalid(subject: string, reason: string): RegistryFault {
  const shown = subject.length > 40 ? `${subject.slice(0, 40)}...` : subject;
  return new RegistryFault('SCHEMA_INVALID', 42208, `The specified subject '${shown}' is not valid: ${reason}.`);
}

export function incompatible(subject: string, problems: readonly VersionProblem[]): RegistryFault {
  const details = problems.map(problemText).join('; ');
  const message = `Schema being registered is incompatible with an earlier schema for subject "${subject}": ${details}`;
  return new RegistryFault('SCHEMA_INCOMPATIBLE', 409, message);
}

export function problemText({ version, path, message }: VersionProblem): string {
  return `version ${version}${path === '' ? '' : `, ${path}`}: ${message}`;
}
