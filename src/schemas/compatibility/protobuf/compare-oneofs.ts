/** Oneofs: their fields exclude one another, which fields that could stand together must not begin to do. */
import { inline, listed, type Problem, problem } from '../problem.ts';
import type { ProtoMessage } from './proto-file.ts';

export function compareOneofs(reader: ProtoMessage, writer: ProtoMessage): readonly Problem[] {
  return [...reader.oneofs].flatMap((name) => {
    const members = [...reader.fields.values()].filter(({ oneof }) => oneof === name);
    const known = members.flatMap(({ tag }) => writer.fields.get(tag) ?? []);
    const loose = known.filter(({ oneof }) => oneof === undefined);
    const origins = new Set(known.flatMap(({ oneof }) => oneof ?? []));
    if (loose.length + origins.size < 2) return [];
    const kind = loose.length > 1 ? 'MULTIPLE_FIELDS_MOVED_TO_ONEOF' : 'FIELD_MOVED_TO_EXISTING_ONEOF';
    return [
      moved(
        kind,
        name,
        known.map((field) => field.name),
      ),
    ];
  });
}

/** Numbers of oneof members that the reader has no more, unless the oneof is gone with all its members. */
export function droppedMembers(reader: ProtoMessage, writer: ProtoMessage): ReadonlySet<number> {
  const members = [...writer.fields.values()].filter(({ oneof }) => oneof !== undefined);
  const kept = new Set(members.flatMap(({ tag, oneof }) => (reader.fields.has(tag) ? [oneof] : [])));
  const dropped = members.filter(({ oneof = '' }) => kept.has(oneof) || reader.oneofs.has(oneof));
  return new Set(dropped.map(({ tag }) => tag));
}

function moved(kind: string, oneof: string, names: readonly string[]): Problem {
  return problem(
    kind,
    (where, roles) =>
      `of ${listed(names)} only one can be set in ${roles.reader} (oneof \`${inline(oneof)}\` of ${where}), and several in ` +
      roles.writer,
    [{ token: oneof }],
  );
}
