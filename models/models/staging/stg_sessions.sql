select
    cast(id as bigint) as session_id,
    {{ entity_id('user_id', 'user') }} as user_id,
    {{ entity_id('content_id', 'content') }} as content_id,
    cast(is_complete as boolean) as is_complete,
    cast(created_at as timestamp) as created_at
from {{ source('files', 'sessions') }}
