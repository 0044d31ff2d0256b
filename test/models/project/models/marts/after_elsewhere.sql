{{- config(materialized='view', meta={'owner': {'name': 'x'}}) -}}
-- depends_on: {{ ref('templates') }}
select count(*) as countries from {{ ref('elsewhere') }}
