select * from {{ source('files', 'orders') }}
union all by name
select * from {{ source('files', 'by_function') }}
