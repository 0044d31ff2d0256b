{{ config(
    materialized='incremental',
    unique_key='day',
    on_schema_change='ignore',
) }}
select day, sum(amount) + {{ var('added', 0) }} as amount, count(*) as events
from {{ ref('base') }}
{% if is_incremental() %}
where day >= (select max(day) from {{ this }})
{% endif %}
group by day
