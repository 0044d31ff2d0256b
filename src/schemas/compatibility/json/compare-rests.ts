/** What may stand beside what is named or placed: `additional...` and `unevaluated...`, of properties and of items. */
import { inline, type Problem, problem, under } from '../problem.ts';
import type { JsonComparer } from './compare-json.ts';
import { describeJson, type JsonPart, type Rest } from './json-part.ts';

type What = 'Properties' | 'Items';

export function compareRests(comparer: JsonComparer, what: What, reader: Rest, writer: Rest): readonly Problem[] {
  const keyword = `additional${what}`;
  const kind = `ADDITIONAL_${what.toUpperCase()}`;
  return under([{ token: keyword, name: what === 'Items' ? '[]' : '*' }], compareRest(comparer, kind, reader, writer));
}

function compareRest(comparer: JsonComparer, kind: string, reader: Rest, writer: Rest): readonly Problem[] {
  if (reader.isAllowed !== writer.isAllowed) return reader.isAllowed ? [] : [closed(`${kind}_REMOVED`)];
  if (reader.part !== undefined && writer.part === undefined) return [narrowed(`${kind}_NARROWED`, reader.part)];
  return comparer.problems(reader.part, writer.part);
}

export function compareUnevaluated(
  comparer: JsonComparer,
  what: What,
  reader: JsonPart | undefined,
  writer: JsonPart | undefined,
): readonly Problem[] {
  if (reader === undefined || writer?.kind === 'nothing' || reader.kind === 'any') return [];
  const kind = `UNEVALUATED_${what.toUpperCase()}`;
  const path = [{ token: `unevaluated${what}`, name: what === 'Items' ? '[]' : '*' }];
  if (reader.kind === 'nothing') return under(path, [closed(`${kind}_REMOVED`)]);
  if (writer === undefined || writer.kind === 'any') return under(path, [narrowed(`${kind}_NARROWED`, reader)]);
  return under(path, comparer.problems(reader, writer));
}

function closed(kind: string): Problem {
  return problem(kind, (where, roles) => `${where} can be there in ${roles.writer} and not in ${roles.reader}`);
}

function narrowed(kind: string, reader: JsonPart): Problem {
  return problem(
    kind,
    (where, roles) =>
      `${where} must be ${inline(describeJson(reader))} in ${roles.reader} and can be anything in ${roles.writer}`,
  );
}
