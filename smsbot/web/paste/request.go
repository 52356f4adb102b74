// @WHAT@: SMSBOT_TOKEN=smsbot_... go run @FILE@
package main

import (
	// only POST
	"bytes"
	"encoding/json"
	// end
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"time"
)

func main() {
	// only POST
	body, err := json.Marshal("@BODY@")
	if err != nil {
		log.Fatal(err)
	}
	request, err := http.NewRequest("POST", "@URL@", bytes.NewReader(body))
	// end
	// only GET
	request, err := http.NewRequest("GET", "@URL@", nil)
	// end
	if err != nil {
		log.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+os.Getenv("SMSBOT_TOKEN"))
	// only POST
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", "@KEY@")
	// end

	client := http.Client{Timeout: 30 * time.Second}
	answer, err := client.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	text, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.StatusCode)
	fmt.Println(string(text))
	if answer.StatusCode >= 400 {
		os.Exit(1)
	}
}
