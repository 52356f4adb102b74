<?php
// @WHAT@. The secret and the three webhook- headers are in the environment, the body is on standard input:
// WEBHOOK_SECRET=whsec_... WEBHOOK_ID=... WEBHOOK_TIMESTAMP=... WEBHOOK_SIGNATURE=... php @FILE@ < body
declare(strict_types=1);

/** Whether the body, byte for byte as it came, was signed with this secret, not long ago. */
function genuine(string $secret, string $id, string $timestamp, string $signatures, string $body): bool
{
    if (!preg_match('/^[0-9]{1,12}$/D', $timestamp) || abs(time() - (int) $timestamp) > 300) {
        return false;
    }
    $key = base64_decode(preg_replace('/^whsec_/', '', $secret), true);
    if ($key === false || $key === '') {
        return false;
    }
    $code = hash_hmac('sha256', $id . '.' . $timestamp . '.' . $body, $key, true);
    $expected = 'v1,' . base64_encode($code);
    foreach (explode(' ', $signatures) as $given) {
        if (hash_equals($expected, $given)) {
            return true;
        }
    }
    return false;
}

$names = ['WEBHOOK_SECRET', 'WEBHOOK_ID', 'WEBHOOK_TIMESTAMP', 'WEBHOOK_SIGNATURE'];
[$secret, $id, $timestamp, $signatures] = array_map(fn ($name) => (string) getenv($name), $names);
// In a web server the body is that of php://input, and the headers are $_SERVER['HTTP_WEBHOOK_ID'] and so on.
if (genuine($secret, $id, $timestamp, $signatures, file_get_contents('php://stdin'))) {
    echo "genuine\n";
} else {
    echo "forged\n";
    exit(1);
}
