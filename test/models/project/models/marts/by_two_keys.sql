{{ config(materialized='incremental', unique_key=['id', 'kind'], incremental_strategy='delete+insert') }}
select id, kind, {{ var('added', 0) }} as added from {{ ref('base') }} where id > {{ var('added', 0) }}
