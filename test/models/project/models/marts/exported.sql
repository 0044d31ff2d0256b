{{ config(materialized='external', location=env_var('TRIBUTARY_OBJECTS') ~ '/exports/exported.parquet') }}
select id, kind from {{ ref('base') }}
