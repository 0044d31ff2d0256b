/** `/config` and `/mode`: of the registry, and of a subject, which wins. */
import type { FastifyInstance } from 'fastify';
import { defaultCompatibility, defaultMode, modes, type RegistryAdministration } from '../../schemas/administration.ts';
import {
  compatibilityInvalid,
  compatibilityNotConfigured,
  modeInvalid,
  modeNotConfigured,
  notPermitted,
  subjectUnknown,
} from '../../schemas/registry-fault.ts';
import { json } from './answer.ts';
import { type Asked, flag, jsonBody, subjectOf, textIn } from './request.ts';
import { compatibilityLevels } from '../../schemas/compatibility/compatibility.ts';

export function settingsRoutes(app: FastifyInstance, registry: RegistryAdministration): void {
  for (const [path, subjectIn] of [
    ['', () => undefined],
    ['/:subject', subjectOf],
  ] as const) {
    app.get(
      `/config${path}`,
      json((asked) => compatibilityOf(registry, asked, subjectIn(asked))),
    );
    app.put(
      `/config${path}`,
      json((asked) => setCompatibility(registry, asked, subjectIn(asked))),
    );
    app.delete(
      `/config${path}`,
      json((asked) => resetCompatibility(registry, subjectIn(asked))),
    );
    app.get(
      `/mode${path}`,
      json((asked) => modeOf(registry, asked, subjectIn(asked))),
    );
    app.put(
      `/mode${path}`,
      json((asked) => setMode(registry, asked, subjectIn(asked))),
    );
    app.delete(
      `/mode${path}`,
      json((asked) => resetMode(registry, subjectIn(asked))),
    );
  }
}

async function compatibilityOf(registry: RegistryAdministration, asked: Asked, subject?: string): Promise<object> {
  const isGlobalToo = flag(asked, 'defaultToGlobal');
  const own = subject === undefined ? undefined : await registry.compatibility(subject);
  if (subject !== undefined && own === undefined && !isGlobalToo) throw compatibilityNotConfigured(subject);
  return { compatibilityLevel: own ?? (await registry.compatibility()) ?? defaultCompatibility };
}

async function setCompatibility(registry: RegistryAdministration, asked: Asked, subject?: string): Promise<object> {
  const body = await jsonBody(asked);
  const wanted = textIn(body, 'compatibility')?.toUpperCase();
  const compatibility = compatibilityLevels.find((level) => level === wanted);
  if (compatibility === undefined) throw compatibilityInvalid();
  refuseOthers(body as object);
  await registry.setCompatibility(subject, compatibility);
  return { compatibility };
}

/** Confluent's registry knows more of them; who sets one counts on it. */
function refuseOthers(body: object): void {
  const other = Object.entries(body).find(
    ([name, value]) => name !== 'compatibility' && value !== null && value !== false,
  );
  if (other) throw notPermitted(`The setting '${other[0].slice(0, 40)}' is not one of this registry.`);
}

async function resetCompatibility(registry: RegistryAdministration, subject?: string): Promise<object> {
  const compatibilityLevel = await registry.compatibility(subject);
  if (subject !== undefined && compatibilityLevel === undefined) throw subjectUnknown(subject);
  await registry.setCompatibility(subject, undefined);
  return { compatibilityLevel: compatibilityLevel ?? defaultCompatibility };
}

async function modeOf(registry: RegistryAdministration, asked: Asked, subject?: string): Promise<object> {
  const isGlobalToo = flag(asked, 'defaultToGlobal');
  const own = subject === undefined ? undefined : await registry.mode(subject);
  if (subject !== undefined && own === undefined && !isGlobalToo) throw modeNotConfigured(subject);
  return { mode: own ?? (await registry.mode()) ?? defaultMode };
}

async function setMode(registry: RegistryAdministration, asked: Asked, subject?: string): Promise<object> {
  const isForced = flag(asked, 'force');
  const wanted = textIn(await jsonBody(asked), 'mode')?.toUpperCase();
  const mode = modes.find((one) => one === wanted);
  if (mode === undefined) throw modeInvalid();
  await registry.setMode(subject, mode, isForced);
  return { mode };
}

async function resetMode(registry: RegistryAdministration, subject?: string): Promise<object> {
  const mode = await registry.mode(subject);
  if (subject !== undefined && mode === undefined) throw subjectUnknown(subject);
  await registry.setMode(subject, undefined, false);
  return { mode: mode ?? defaultMode };
}
