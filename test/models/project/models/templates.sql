{%- set kinds = features.kinds() -%}
{%- set ns = namespace(total=0, seen='') -%}
{%- for kind in kinds -%}
  {%- set ns.total = ns.total + loop.index -%}
  {%- set ns.seen = ns.seen ~ kind -%}
{%- endfor -%}
{% set note %}
  a note of {{ kinds | length }}
{% endset %}
{% set settings = {'limit': 10, 'nested': {'on': true}, 'names': ['x', 'y'],} %}
select
    id,
    {{ cents('amount') }},
    {{ cents('amount', digits=1, suffix='_rough') }},
    {% for kind in kinds %}
    sum(case when kind = '{{ kind }}' then amount else 0 end) as {{ kind | upper }}_amount{{ "," if not loop.last }}
    {% else %}
    0 as none_amount
    {% endfor -%}
    , {{ ns.total }} as total
    , '{{ ns.seen }}' as seen
    , '{{ note | trim }}' as note
    , '{{ var("word") | replace("'", "''") }}' as word
    , {{ settings.limit + 1 }} as one_more
    , {{ settings['nested'].on | lower }} as is_on
    , '{{ settings.names | join("-") }}' as names
    , {{ 7 // 2 }} as whole, {{ 7 / 2 }} as half, {{ 2 ** 5 }} as power, {{ -7 % 3 }} as rest, {{ 6 * 7 // 4 }} as mixed
    , {{ 1.50 }} as float_literal, {{ 3 - 1 + 2 }} as sums
    , {% raw %}'{{ not rendered }}'{% endraw %} as raw_text
    , {% call(it) in_parentheses('x') %}'{{ it }}' = 'x'{% endcall %} as called
    , ({{ all_of('1 = 1', '2 = 2') }}) as every
    , ({{ all_of('1 = 1', a=1) }}) as keywords
    , {% filter upper %}'shout'{% endfilter %} as shout
    , '{{ "\d" }}' as escaped
    {%- if execute and target.type == 'duckdb' and not var('missing', false) %}
    , true as executed
    {%- elif 1 < 2 <= 3 %}
    , false as executed
    {%- endif %}
    , '{{ this.identifier }}' as identifier
    , {{ "'%s of %d'" | format('a', 3) }} as formatted
    , '{{ ["b", "A", "c"] | sort | join }}{{ [3, 1] | max }}{{ "a,b".split(",") | last }}' as filters
    {#- trimmed -#}
    , {{ none is none and 3 is odd and 'a' is string and kinds is iterable and undefined_here is not defined }} as tested
    , '{{ [1, "a", none, true, 1.0] | string | replace("'", "") }}' as printed
    , '{{ tojson({"b": [1, 2], "a": "x"}) }}' as json, {{ fromjson('{"n": 4}').n }} as read_json
    , '{{ zip([1, 2], ["x", "y"]) | list | length }}' as zipped
    , {{ ['a', 'b'] | map('length') | sum }} as lengths, {{ [1, 2, 3, 4] | select('even') | list | first }} as even
    , '{{ {"b": 1, "a": 2} | dictsort | map("first") | join }}' as keys
    , {{ var('ratio') }} as ratio, '{{ [var('ratio'), var('day'), fromjson('{"n": 4.0}').n] | join(' ') }}' as numbers
    , '{{ config.get('materialized') }} {{ config.get('unique_key', 'id') }} {{ config.get('nothing', 'x') }} {{ config.get('tags') }}' as configured
    , '{{ 'on' if env_var('FEATURES_NOTHING', false) else 'off' }}{{ var('nothing', none) is none }}' as nothing
from {{ ref('base') }}
where id >= {{ var('smallest') }}
group by id, amount
