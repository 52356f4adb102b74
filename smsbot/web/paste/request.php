<?php
// @WHAT@: SMSBOT_TOKEN=smsbot_... php @FILE@
declare(strict_types=1);

$headers = [
    'Authorization: Bearer ' . getenv('SMSBOT_TOKEN'),
    // only POST
    'Content-Type: application/json',
    'Idempotency-Key: @KEY@',
    // end
];
// only POST
$body = json_encode("@BODY@");
// end
$context = stream_context_create(['http' => [
    'method' => '@METHOD@',
    'header' => $headers,
    // only POST
    'content' => $body,
    // end
    'timeout' => 30,
    'follow_location' => 0,
    'ignore_errors' => true, // the body of a refusal says why
]]);
$answer = fopen('@URL@', 'r', false, $context);
if ($answer === false) {
    exit(1);
}
$status = (int) explode(' ', stream_get_meta_data($answer)['wrapper_data'][0])[1];
echo $status, "\n", stream_get_contents($answer), "\n";
exit($status >= 400 ? 1 : 0);
