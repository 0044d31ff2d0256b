{% macro cents(column, digits=2, suffix='_euro') -%}
round({{ column }} / 100.0, {{ digits }}) as {{ column ~ suffix }}
{%- endmacro %}

{% macro kinds() %}
  {% set found = [] %}
  {% for kind in ['b', 'a', 'b'] %}
    {% if kind not in found %}{% do found.append(kind) %}{% endif %}
  {% endfor %}
  {{ return(found) }}
{% endmacro %}

{% macro in_parentheses(note) %}({{ caller(note) }}){% endmacro %}

{% macro all_of() %}{{ varargs | join(' and ') }}{% if kwargs %} or {{ kwargs.items() | list | length }} = 1{% endif %}{% endmacro %}
