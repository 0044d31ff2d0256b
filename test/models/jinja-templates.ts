/** Templates for comparison with jinja2: written ones, and made ones, out of small parts in every order. */
import { constantFrom, letrec, oneof, array, sample, tuple } from 'fast-check';

export const written: readonly string[] = [
  'a\n  {% if true %}\n  b\n  {% endif %}\nc\n',
  'a\n  {%- if true %}\n  b\n  {%- endif -%}\n c\n',
  'line1\n{%- for c in ["a","b"] %}\n  , {{ c }}\n{%- endfor %}\nend\n\n',
  '{# comment #}\nx{# c -#}  \ny {#- d #} z',
  'x\r\n{% if true %}\r\ny\r\n{% endif %}\r\n',
  ' {% raw %} {{ x }} {# no comment #} {% endraw %} z',
  '{{ 1 + 2.0 }} {{ 7 // 2 }} {{ 7 / 2 }} {{ 2 ** 3 }} {{ -7 % 3 }} {{ 5 // -2 }} {{ 6 * 7 // 4 }} {{ 1 + 2 - 3 + 4 }} {{ 8 / 4 * 2 }}',
  '{{ none }} {{ true }} {{ [1, "a", none, true, 1.0] }} {{ {"a": {"b": 1}} }} {{ (1, 2) }} {{ 0.1 + 0.2 }}',
  '{{ "it\'s" }} {{ ["it\'s", \'"\', "both \' and \\""] }} {{ ["a\\nb\\t\\\\"] }} {{ "\\d\\x41\\u00e9" }} {{ ["\\u00e9\\u200b"] }}',
  '{% set x = [] %}{% do x.append(1) %}{% do x.extend([2, 3]) %}{{ x }}{{ "t" if [] else "f" }}{{ "t" if {} else "f" }}{{ "t" if "0" else "f" }}',
  '{% set ns = namespace(n=0) %}{% for i in range(3) %}{% set ns.n = ns.n + i %}{{ loop.index }}{{ "," if not loop.last }}{% endfor %}{{ ns.n }}',
  '{% macro m(a, b=2, c="x") -%}\n  {{ a }}-{{ b }}-{{ c }}\n{%- endmacro %}[{{ m(1) }}][{{ m(1, c=3) }}][{{ m(a=9, b=8) }}]',
  '{% macro w(x) %}<{{ caller(x, 2) }}>{% endmacro %}{% call(a, b) w(5) %}{{ a }}|{{ b }}{% endcall %}',
  '{% macro v() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ v(1, 2, a=3) }}',
  '{% macro a() %}A{{ b() }}{% endmacro %}{% macro b() %}B{% endmacro %}{{ a() }}',
  '{% set s %}\n hello {{ 1 }}\n{% endset %}[{{ s }}][{{ s | trim }}][{{ s | length }}]',
  '{% set x = 1 %}{% if true %}{% set x = 2 %}{% endif %}{{ x }}{% for i in [1] %}{% set x = 9 %}{{ x }}{% endfor %}{{ x }}',
  '{% for x in [1, 2, 3] if x != 2 %}{{ x }}{{ loop.revindex }}{{ loop.previtem is defined }}{% else %}none{% endfor %}{% for x in [] %}a{% else %}none{% endfor %}',
  '{% for k, v in {"a": 1, "b": 2}.items() %}{{ k }}={{ v }}{{ loop.cycle("x", "y") }};{% endfor %}{{ {"b": 1, "a": 2} | dictsort }}',
  '{{ "a,b".split(",") }} {{ " a  b ".split() }} {{ "x".join(["a", "b"]) }} {{ " a ".strip() }}. {{ "xax".lstrip("x") }} {{ "a{}c{}".format(1, "z") }}',
  '{{ "a%s-%d%%" % ("b", 3) }} {{ "%s" % "x" }} {{ "ab" * 2 }} {{ [0] * 3 }} {{ [1] + [2] }} {{ "b" > "a" }} {{ [1, 2] < [1, 3] }}',
  '{{ undefined_name is defined }} {{ undefined_name | default("y") }} {{ "" | default("y", true) }} {{ {"a": 1}.b is defined }} {{ {"a": 1}.get("z") }}',
  '{{ [{"n": "a"}, {"n": "b"}] | map(attribute="n") | join(",") }} {{ ["a", "b"] | map("upper") | list }} {{ [1, 2, 3, 4] | select("odd") | list }}',
  '{{ [1, 2, 3] | reject("equalto", 1) | list }} {{ [{"n": 1}, {"n": 0}] | selectattr("n") | list }} {{ [{"n": 1}, {"n": 0}] | rejectattr("n", "eq", 1) | list }}',
  '{{ ["b", "A", "c"] | sort }} {{ ["b", "A"] | sort(reverse=true) }} {{ [1, 2, 2, 1] | unique | list }} {{ [1, 2.5] | sum }} {{ [3, 1] | min }}',
  '{{ "12" | int + 1 }} {{ "x" | int }} {{ "1.9" | int }} {{ "1.5" | float }} {{ 3.7 | int }} {{ -3 | abs }} {{ 3 | string ~ "x" }}',
  '{{ "a\nb\n\nc" | indent(2) }} {{ "aBc def" | capitalize }} {{ "abc" | reverse }} {{ [1, 2] | reverse | list }} {{ "<a\'&>" | tojson }} {{ {"b": 1.5, "a": none} | tojson }}',
  '{{ 1 in [1] }} {{ "a" not in "abc" }} {{ 1 < 2 < 3 }} {{ 3 > 2 > 2 }} {{ 1 == 1.0 == true }} {{ not true and false or true }} {{ "x" in {"x": 1} }}',
  '{{ 3 is odd }} {{ "a" is string }} {{ 1 is number }} {{ [] is iterable }} {{ {} is mapping }} {{ none is none }} {{ 9 is divisibleby(3) }} {{ 1 is not none }}',
  '{% filter upper %}abc {{ "d" }}{% endfilter %}{{ "a" ~ none ~ true ~ 1.5 }}{{ dict(a=1) }}{{ range(1, 10, 4) | list }}{{ "hello"[-1] }}{{ [1, 2][0] }}',
  '{{ -2 ** 2 }} {{ 2 * -3 }} {{ - 5 + 2 }} {{ 1 - -1 }} {{ +3 }}',
  '{% set x = none %}{{ x }} {{ x is none }} {{ x is defined }} {{ None }} {{ x == None }} {{ none in {none: 1} }}',
  '{% set a = 5 %}{% macro m(a, b=2) %}{{ a }}{{ b }}{% endmacro %}{{ m(none, none) }}{% for i in [1] %}{% set a = none %}{{ a }}{% endfor %}',
  '{% set ns = namespace(n=none) %}{{ ns.n is none }} {{ {"a": none}.a }} {{ {"a": none}["a"] }} {{ {"a": none}.get("a", 1) }} {{ {"a": none}.pop("a", 1) }}',
  '{{ missing | default(none) }} {{ [none] | first }} {{ [1, none] | last }} {{ [1, none][1] }} {{ "x" | int(none) }} {{ "x" | float(none) }}',
  '{% for x in [none, 1] %}{{ loop.previtem is defined }}{{ loop.nextitem is defined }}{{ loop.cycle(none, 2) }}{% endfor %}',
  '{% set d = {"items": 1, "values": [2], "n": {"m": 3}} %}{{ d["items"] }} {{ d["values"] }} {{ d.n["m"] }} {{ d["get"]("n") }}{% for k, v in d.items() %}{{ k }}{% endfor %}',
  '{{ [{"a": {"b": 1}}, {"a": {"b": 0}}] | selectattr("a.b") | list }} {{ [[1, 2], [3, 4]] | map(attribute=0) | list }} {{ [[1, 2]] | map(attribute="1") | join }} {{ [{"a": {"b": 2}}] | sum(attribute="a.b") }}',
  '{{ 5.5 % 0.1 }} {{ 1.0 // 0.1 }} {{ -7 // 2 }} {{ -7.5 // 2 }} {{ 7 % -3 }} {{ -1.5 % 1 }} {{ 0 // 5 }} {{ 10 ** 15 // 7 }}',
  '{{ range(3) | list }}{{ range(3) | length }}{{ range(3)[1] }} {% set d = {"a": 1} %}{{ d.keys() | list }}{{ d.items() | first }}{{ d.values() | sum }} {{ missing is sequence }}',
  '{{ "1e3" | int }} {{ " 12 " | int }} {{ "banana" | int }} {{ "1.9e1" | float }} [{{ "\\n a" | indent(2, true) }}] {{ [1, 2, 3].pop(-3) }}',
  '{{ ("a" if false) is defined }}[{{ "a" if false }}]{% for x in ("ab" if false) %}{{ x }}{% endfor %}{{ "x" ~ ("y" if false) }}',
  '{% if 1 == 2 %}a{% elif 2 == 2 %}b{% else %}c{% endif %}{{ [1, 2,] }}{{ {"a": 1,} }}{{ "a" if false }}',
];

const atom = constantFrom(
  '1',
  '2',
  '7',
  '0',
  '-3',
  '1.5',
  '2.0',
  'true',
  'false',
  'none',
  "'a'",
  "'Ab c'",
  "''",
  "'7'",
  '[]',
  '[1, 2]',
  "['b', 'a']",
  "{'k': 1}",
  '{}',
  '(1, 2)',
  'x',
  'words',
  'missing',
);
const filter = constantFrom(
  'upper',
  'lower',
  'trim',
  'length',
  'list',
  'first',
  'last',
  'sort',
  'join',
  "join('-')",
  'string',
  'int',
  'float',
  'unique',
  "default('d')",
  "default('d', true)",
  'reverse',
  'tojson',
  'sum',
  'max',
  'abs',
  'capitalize',
  "replace('a', 'z')",
  "map('upper')",
);
const operator = constantFrom(
  '+',
  '-',
  '*',
  '//',
  '/',
  '%',
  '**',
  '~',
  '==',
  '!=',
  '<',
  '<=',
  '>',
  'and',
  'or',
  'in',
  'not in',
);
const check = constantFrom(
  'defined',
  'none',
  'string',
  'number',
  'odd',
  'iterable',
  'mapping',
  'not none',
  'sameas(1)',
  'eq(1)',
);

const { expression } = letrec<{ expression: string }>((tie) => ({
  expression: oneof(
    { depthSize: 'small', withCrossShrink: true },
    atom,
    tuple(tie('expression'), operator, tie('expression')).map((parts) => parts.join(' ')),
    tuple(tie('expression'), filter).map(([value, name]) => `${value} | ${name}`),
    tie('expression').map((value) => `(${value})`),
    tuple(tie('expression'), check).map(([value, name]) => `${value} is ${name}`),
    tie('expression').map((value) => `not ${value}`),
    tuple(tie('expression'), tie('expression'), tie('expression')).map(([a, b, c]) => `${a} if ${b} else ${c}`),
  ),
}));

const space = constantFrom('', ' ', '\n', '  \n  ');
const dash = constantFrom('', '-');

/** Statements around expressions, with and without what trims. */
const piece = oneof(
  tuple(dash, expression, dash).map(([open, value, close]) => `{{${open} ${value} ${close}}}`),
  tuple(dash, expression, dash, space, dash, dash, space, dash, dash).map(
    ([a, value, b, body, c, d, other, e, f]) =>
      `{%${a} if ${value} ${b}%}${body}y${body}{%${c} else ${d}%}${other}n{%${e} endif ${f}%}`,
  ),
  tuple(dash, expression, dash, space, dash).map(
    ([a, value, b, body, c]) => `{%${a} for i in ${value} ${b}%}${body}{{ i }}{{ loop.index }}${body}{%${c} endfor %}`,
  ),
  tuple(expression, space).map(([value, around]) => `{% set x = ${value} %}${around}{{ x }}`),
  tuple(space, expression, dash).map(
    ([around, value, a]) => `{% set x ${a}%}${around}{{ ${value} }}${around}{% endset %}[{{ x }}]`,
  ),
  tuple(expression, expression, expression).map(
    ([usual, a, b]) =>
      `{% macro m(x, y=${usual}) %}{{ x }} {{ y is none }} {{ y }}{% endmacro %}{{ m(${a}) }} {{ m(${a}, ${b}) }}`,
  ),
  tuple(expression, expression).map(
    ([value, key]) =>
      `{% set d = {'k': ${value}, 'items': [1]} %}{{ d.k is none }}{{ d[${key}] is defined }}{{ d['k'] }}{{ d['items'] }}`,
  ),
  expression.map((value) => `{% set ns = namespace(v=${value}) %}{{ ns.v is none }}{{ ns.v is defined }}{{ ns.v }}`),
);

/** Templates of which many fail, as they do in jinja2. */
export function madeTemplates(count: number, seed: number): readonly string[] {
  const template = tuple(array(tuple(space, piece), { minLength: 1, maxLength: 3 }), space);
  return sample(template, { numRuns: count, seed }).map(
    ([pieces, end]) =>
      `{% set x = 3 %}{% set words = ['b', 'A'] %}${pieces.map((parts) => parts.join('')).join('')}${end}`,
  );
}
