/** An environment of deploy/kubernetes as Kustomize makes it of what we use: resources, images, replicas, patches by JSON Patch. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { IStatefulSet } from 'kubernetes-models/apps/v1';
import type { IPodDisruptionBudget } from 'kubernetes-models/policy/v1';
import type { IConfigMap, IService, IServiceAccount } from 'kubernetes-models/v1';
import { applyPatch, type Operation } from 'rfc6902';
import { parse, parseAllDocuments } from 'yaml';

export type Resource = IStatefulSet | IPodDisruptionBudget | IConfigMap | IService | IServiceAccount;

interface Kustomization {
  readonly resources: readonly string[];
  readonly images?: readonly { readonly name: string; readonly newName: string; readonly newTag: string }[];
  readonly replicas?: readonly { readonly name: string; readonly count: number }[];
  readonly patches?: readonly Patch[];
}

interface Patch {
  readonly target: { readonly kind: string; readonly name: string };
  readonly patch: string;
}

const understood = new Set(['apiVersion', 'kind', 'resources', 'images', 'replicas', 'patches']);
const kubernetes = join(import.meta.dirname, '../../deploy/kubernetes');

export const environments = ['cluster', 'small'] as const;

/** @throws Error for a file that is not there, a patch that finds nothing, and what is not understood here */
export function resourcesOf(name: string): readonly Resource[] {
  const dir = join(kubernetes, name);
  const {
    resources,
    images = [],
    replicas = [],
    patches = [],
    ...rest
  } = parse(readFileSync(join(dir, 'kustomization.yaml'), 'utf8')) as Kustomization;
  for (const key of Object.keys(rest)) if (!understood.has(key)) throw new Error(`${name}: what is ${key}?`);
  const found = resources.flatMap((path) =>
    path.startsWith('../') ? resourcesOf(path.slice(3)) : documents(join(dir, path)),
  );
  for (const patch of patches) patchOne(found, patch);
  for (const { name: of, count } of replicas) statefulSet(found, of).replicas = count;
  for (const { name: of, newName, newTag } of images)
    for (const container of statefulSet(found, of).template.spec?.containers ?? []) {
      if (container.image?.split(':')[0] !== of) throw new Error(`${name}: no container has the image ${of}`);
      container.image = `${newName}:${newTag}`;
    }
  return found;
}

/** The names that the file of secrets is to have. */
export function secretsOf(name: string): readonly string[] {
  const text = readFileSync(join(kubernetes, name, 'secret.env.example'), 'utf8');
  return [...text.matchAll(/^([A-Z0-9_]+)=$/gm)].map(([, secret = '']) => secret);
}

export function ofKind<K extends Resource['kind']>(
  resources: readonly Resource[],
  kind: K,
): Extract<Resource, { kind: K }>[] {
  return resources.filter((one): one is Extract<Resource, { kind: K }> => one.kind === kind);
}

function documents(file: string): readonly Resource[] {
  if (!existsSync(file)) throw new Error(`${file} is not there`);
  return parseAllDocuments(readFileSync(file, 'utf8')).map((one) => {
    if (one.errors.length > 0) throw new Error(`${file}: ${one.errors[0]?.message}`);
    return one.toJS() as Resource;
  });
}

function patchOne(resources: readonly Resource[], { target, patch }: Patch): void {
  const one = resources.find(({ kind, metadata }) => kind === target.kind && metadata?.name === target.name);
  if (!one) throw new Error(`a patch finds no ${target.kind} ${target.name}`);
  const failed = applyPatch(one, parse(patch) as Operation[]).find((error) => error !== null);
  if (failed) throw failed;
}

function statefulSet(resources: readonly Resource[], name: string): NonNullable<IStatefulSet['spec']> {
  const spec = ofKind(resources, 'StatefulSet').find(({ metadata }) => metadata?.name === name)?.spec;
  if (!spec) throw new Error(`there is no StatefulSet ${name}`);
  return spec;
}
