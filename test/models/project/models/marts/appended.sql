{{ config(materialized='incremental', incremental_strategy='append') }}
select {{ 'count(*)' if is_incremental() else '0' }} as before from {{ this if is_incremental() else ref('base') }}
{% if not is_incremental() %}where false{% endif %}
