{{ config(enabled=false) }}
select * from {{ ref('base') }}
