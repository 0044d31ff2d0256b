{# The CSV files number an entity (7), the API names it by its kind as well (user_7): the number is what both have. #}
{% macro entity_id(column, kind) -%}
cast(regexp_replace(cast({{ column }} as varchar), '^{{ kind }}_', '') as bigint)
{%- endmacro %}

{# Of the pulled objects only the newest run's: a run is all there was. #}
{% macro newest_run(name) -%}
(select * from {{ source('pulled', name) }} as object where object.filename = (select max(newest.filename) from {{ source('pulled', name) }} as newest))
{%- endmacro %}
