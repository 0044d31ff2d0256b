/** Fields of one number: their types must be written alike, whatever they are called. */
import { inline, type Problem, problem } from '../problem.ts';
import type { ProtoComparer } from './compare-protobuf.ts';
import { describeProto, type ProtoField, type ProtoMessage, resolveType, scalarGroup } from './proto-file.ts';

/** Full names of the messages that the fields stand in. */
interface Scopes {
  readonly reader: string;
  readonly writer: string;
}

export function compareFields(
  comparer: ProtoComparer,
  scopes: Scopes,
  reader: ProtoField,
  writer: ProtoField,
): readonly Problem[] {
  const label = compareLabels(reader, writer);
  if ((reader.type.key === undefined) !== (writer.type.key === undefined))
    return [kindChanged(reader, writer), ...label];
  if (reader.type.key === undefined || writer.type.key === undefined) {
    const problems = compareValues(comparer, scopes, reader, writer);
    return problems.length > 0 ? problems : [...label, ...compareNumericLabels(comparer, scopes, reader, writer)];
  }
  return [
    ...compareValues(comparer, scopes, keyOf(reader), keyOf(writer)),
    ...compareValues(comparer, scopes, valueOf(reader), valueOf(writer)),
  ];
}

function compareValues(
  comparer: ProtoComparer,
  scopes: Scopes,
  reader: ProtoField,
  writer: ProtoField,
): readonly Problem[] {
  const read = resolveType(comparer.reader, reader.type.value, scopes.reader);
  const written = resolveType(comparer.writer, writer.type.value, scopes.writer);
  const group = scalarGroup(reader.type.value, read);
  const writtenGroup = scalarGroup(writer.type.value, written);
  if ((group === undefined) !== (writtenGroup === undefined)) return [kindChanged(reader, writer)];
  if (group !== undefined) return group === writtenGroup ? [] : [scalarChanged(reader, writer)];
  if (read?.kind === 'message' && written?.kind === 'message')
    return compareMessages(comparer, reader, writer, read, written);
  // Types that no text defines, as those that come with the language.
  return plain(reader) === plain(writer) ? [] : [namedTypeChanged(reader, writer)];
}

function compareMessages(
  comparer: ProtoComparer,
  reader: ProtoField,
  writer: ProtoField,
  read: ProtoMessage,
  written: ProtoMessage,
): readonly Problem[] {
  if (read.localName !== written.localName) return [namedTypeChanged(reader, writer)];
  // The schema's own messages are compared by themselves; those of one text do not differ.
  if (read.origin === written.origin) return [];
  return comparer.readsImported(read, written) ? [] : [namedTypeChanged(reader, writer)];
}

function keyOf(field: ProtoField): ProtoField {
  return { ...field, type: { key: undefined, value: field.type.key ?? '' } };
}

function valueOf(field: ProtoField): ProtoField {
  return { ...field, type: { key: undefined, value: field.type.value } };
}

function plain({ type }: ProtoField): string {
  return type.value.replace(/^\./u, '');
}

function compareLabels(reader: ProtoField, writer: ProtoField): readonly Problem[] {
  return reader.label === 'required' && writer.label !== 'required' ? [madeRequired(reader)] : [];
}

/** Lists of numbers are packed into one value, which is no number. */
function compareNumericLabels(
  comparer: ProtoComparer,
  scopes: Scopes,
  reader: ProtoField,
  writer: ProtoField,
): readonly Problem[] {
  if (reader.label === writer.label) return [];
  const group = scalarGroup(reader.type.value, resolveType(comparer.reader, reader.type.value, scopes.reader));
  return group === undefined || group === 'text' ? [] : [numericLabelChanged(reader, writer)];
}

function kindChanged(reader: ProtoField, writer: ProtoField): Problem {
  return changed('FIELD_KIND_CHANGED', reader, writer);
}

function scalarChanged(reader: ProtoField, writer: ProtoField): Problem {
  return changed('FIELD_SCALAR_KIND_CHANGED', reader, writer);
}

function namedTypeChanged(reader: ProtoField, writer: ProtoField): Problem {
  return changed('FIELD_NAMED_TYPE_CHANGED', reader, writer);
}

function changed(kind: string, reader: ProtoField, writer: ProtoField): Problem {
  const [is, was] = [reader, writer].map(({ type }) => inline(describeProto(type)));
  const otherwise = is === was ? ', of the same name but other content' : '';
  return problem(
    kind,
    (where, roles) =>
      `the field ${where} (number ${reader.tag}) is \`${was}\` in ${roles.writer} and \`${is}\` in ${roles.reader}${otherwise}`,
  );
}

function numericLabelChanged(reader: ProtoField, writer: ProtoField): Problem {
  return problem(
    'FIELD_NUMERIC_LABEL_CHANGED',
    (where, roles) =>
      `the field ${where} (number ${reader.tag}) is ${writer.label} in ${roles.writer} and ${reader.label} in ${roles.reader}`,
  );
}

function madeRequired({ tag }: ProtoField): Problem {
  return problem(
    'REQUIRED_FIELD_ADDED',
    (where, roles) => `the field ${where} (number ${tag}) is required in ${roles.reader} and not in ${roles.writer}`,
  );
}
