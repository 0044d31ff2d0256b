{{ config(materialized='external', location=env_var('TRIBUTARY_OBJECTS') ~ '/exports/exported.csv', format='csv') }}
select id, kind from {{ ref('base') }} order by id
